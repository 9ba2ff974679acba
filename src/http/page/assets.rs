//! Files of the pages, embedded in the program and addressed by their content.
//!
//! An address holds a hash, so a browser may keep the file for ever; a new file has a new address.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::ticket::chain::hex;

#[derive(RustEmbed)]
#[folder = "src/http/page/assets"]
struct Files;

/// Short hash of each file by its name.
static TAGS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    Files::iter()
        .filter_map(|name| {
            let file = Files::get(&name)?;
            Some((name.into_owned(), hex(&file.metadata.sha256_hash()[..8])))
        })
        .collect()
});

/// Where the browser gets a file: `/assets/TAG/NAME`.
#[must_use]
pub fn address(name: &str) -> String {
    let tag = TAGS.get(name).map_or("none", String::as_str);
    format!("/assets/{tag}/{name}")
}

/// `GET /assets/TAG/NAME`, open to everybody.
pub async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some((asked, name)) = path.split_once('/') else { return StatusCode::NOT_FOUND.into_response() };
    let (Some(tag), Some(file)) = (TAGS.get(name), Files::get(name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // An address of another version of the program: right content, but not for ever.
    let cache = if asked == tag { "public, max-age=31536000, immutable" } else { "no-cache" };
    let entity = format!("\"{tag}\"");
    if headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == entity.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(CACHE_CONTROL, cache), (ETAG, &entity)]).into_response();
    }
    ([(CONTENT_TYPE, media_type(name)), (CACHE_CONTROL, cache), (ETAG, &entity)], file.data).into_response()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn vendored_files_are_what_their_makers_published_and_carry_a_licence() {
        let sums = Files::get("vendor/SHA256SUMS").unwrap();
        let sums = std::str::from_utf8(&sums.data).unwrap().to_owned();
        let mut listed: Vec<String> = Vec::new();
        for line in sums.lines() {
            let (sum, name) = line.split_once("  ").unwrap();
            let file = Files::get(&format!("vendor/{name}")).unwrap_or_else(|| panic!("{name} is missing"));
            assert_eq!(hex(&Sha256::digest(&file.data)), sum, "{name} was changed");
            listed.push(name.to_owned());
        }
        for file in Files::iter().filter_map(|name| name.strip_prefix("vendor/").map(str::to_owned)) {
            assert!(file == "SHA256SUMS" || listed.contains(&file), "{file} is not in SHA256SUMS");
            let maker = file.split(['-', '.']).next().unwrap().to_owned();
            assert!(
                file == "SHA256SUMS" || listed.contains(&format!("{maker}.LICENSE")),
                "{file} has no licence beside it"
            );
        }
    }

    #[tokio::test]
    async fn a_file_is_kept_for_ever_under_its_own_address_only() {
        let get = |path: String| serve(Path(path), HeaderMap::new());
        let own = get(address("linesman.css").trim_start_matches("/assets/").to_owned()).await;
        assert_eq!(own.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(own.headers()[CONTENT_TYPE], "text/css; charset=utf-8");
        let old = get("0123456789abcdef/linesman.css".to_owned()).await;
        assert_eq!(old.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(get("x/../../Cargo.toml".to_owned()).await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_file_that_the_browser_has_is_not_sent_again() {
        let path = address("linesman.css").trim_start_matches("/assets/").to_owned();
        let tag = serve(Path(path.clone()), HeaderMap::new()).await.headers()[ETAG].clone();
        let again = serve(Path(path), HeaderMap::from_iter([(IF_NONE_MATCH, tag)])).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
}
