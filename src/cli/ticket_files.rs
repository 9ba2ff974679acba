//! `linesman ticket files` and `attach`: what is on a ticket, where to save it, and what a customer said or signed. The
//! daemon alone has the keys.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::exit::Exit;
use super::output;
use super::remote::{Remote, answered};
use crate::ticket::TicketNumber;
use crate::ticket::chain::hex;

/// Lists the files of a ticket, and saves them into a folder where one is named.
///
/// # Errors
/// When the daemon does not answer or refuses, or a file cannot be written.
pub(super) async fn files(
    remote: &Remote,
    ticket: TicketNumber,
    save: Option<&Path>,
    as_json: bool,
) -> anyhow::Result<Exit> {
    let url = format!("{}/api/v1/tickets/{ticket}/attachments", remote.base);
    let ask = async |url: &str| {
        let request = remote.client.get(url).bearer_auth(&remote.token);
        request.send().await.map_err(|error| remote.unreachable(error))
    };
    let answer = answered(ask(&url).await?).await?;
    let attachments = answer.get("attachments").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let text = |file: &Value, name: &str| file.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    for file in attachments.iter().filter(|_| save.is_some()) {
        let folder = save.unwrap_or(Path::new("."));
        let response = ask(&format!("{url}/{}", text(file, "id"))).await?;
        if !response.status().is_success() {
            answered(response).await?;
            continue;
        }
        // The name is the daemon's; whatever it says, the file goes into this folder.
        let name = text(file, "name");
        let name = Path::new(&name).file_name().unwrap_or_else(|| "file.pcap".as_ref());
        let (path, content) = (folder.join(name), response.bytes().await?);
        if hex(&Sha256::digest(&content)) != text(file, "sha256") {
            anyhow::bail!("{} came damaged: its hash is not the one in the list; try again", path.display());
        }
        let mut new = std::fs::File::create_new(&path).with_context(|| format!("{}", path.display()))?;
        std::io::Write::write_all(&mut new, &content).with_context(|| format!("{}", path.display()))?;
    }
    if as_json {
        output::json(&answer)?;
    } else if attachments.is_empty() {
        output::line("no files")?;
    } else {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["NAME", "CALL", "FROM", "TO", "PACKETS", "BYTES", "PUT THERE", "BY", "CONTENT"]);
        let is_capture = |file: &Value| file.get("kind").is_none_or(|kind| kind == "capture");
        for file in attachments {
            let count = |name: &str| file.get(name).and_then(Value::as_u64).unwrap_or(0).to_string();
            let has_payload = file.get("has_payload") == Some(&Value::Bool(true));
            let content = match text(file, "kind").as_str() {
                "recorded_call" => "recorded call",
                "signature" => "signature",
                _ if has_payload => "headers and voice",
                _ => "headers",
            };
            let [name, call, at, by] = ["name", "call", "at", "by"].map(|key| text(file, key));
            // Of a call that was not captured there are no packets to speak of.
            let [first, last, packets] = match is_capture(file) {
                true => [text(file, "first"), text(file, "last"), count("packets")],
                false => ["-", "-", "-"].map(str::to_owned),
            };
            let size = count("size");
            let row = [name, call, first, last, packets, size, at, by, content.to_owned()];
            table.add_row(row);
        }
        output::line(table.to_string())?;
    }
    Ok(if attachments.is_empty() { Exit::Problem } else { Exit::Fine })
}

/// Puts a file on a ticket; says its SHA-256.
///
/// # Errors
/// When the file cannot be read, or the daemon does not answer or refuses.
pub(super) async fn attach(
    remote: &Remote,
    ticket: TicketNumber,
    file: &Path,
    kind: &str,
    as_json: bool,
) -> anyhow::Result<Exit> {
    let content = std::fs::read(file).with_context(|| format!("{}", file.display()))?;
    let hash = hex(&Sha256::digest(&content));
    let plain: String = kind.chars().filter(|sign| sign.is_ascii_alphanumeric() || *sign == '_').collect();
    let request = remote
        .client
        .post(format!("{}/api/v1/tickets/{ticket}/attachments?kind={plain}", remote.base))
        .bearer_auth(&remote.token)
        .header("if-match", "*")
        .header("content-type", "application/octet-stream")
        .body(content);
    let answer = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    let kept = answer.get("sha256").and_then(Value::as_str).unwrap_or_default();
    if kept != hash {
        anyhow::bail!("{} did not arrive whole: {kept} is kept, {hash} was sent", file.display());
    }
    if as_json {
        output::json(&answer)?;
    } else {
        let name = answer.get("name").and_then(Value::as_str).unwrap_or("-");
        output::line(format!("{ticket}: {name}, SHA-256 {hash}"))?;
    }
    Ok(Exit::Fine)
}
