//! Can the web server listen where it is told to?

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Check;
use crate::settings::HttpSettings;

const NAME: &str = "listen";
/// How long whoever listens there is given to say who it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// The check, and whether a running linesman listens there.
pub(super) async fn check(http: &HttpSettings) -> (Check, bool) {
    let running = TcpListener::bind(http.listen).await.is_err() && is_linesman(http.listen).await;
    (judge(http, running).await, running)
}

async fn judge(http: &HttpSettings, running: bool) -> Check {
    let listen = http.listen;
    let error = match TcpListener::bind(listen).await {
        Ok(_) => return Check::ok(NAME, format!("{listen} is free")),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::AddrInUse if running => Check::ok(NAME, format!("a running linesman listens on {listen}")),
        ErrorKind::AddrInUse => Check::fail(
            NAME,
            format!("{listen} is taken by another program; stop it, or set `listen` in [http]"),
            format!("sudo ss -ltnp 'sport = :{}'", listen.port()),
        ),
        ErrorKind::PermissionDenied => Check::forbidden(
            NAME,
            format!(
                "{listen} is not allowed: ports below 1024 are privileged; allow it, or set `listen` in [http]"
            ),
            format!("sudo sysctl -w net.ipv4.ip_unprivileged_port_start={}", listen.port()),
        ),
        _ => Check::fail(
            NAME,
            format!("{listen}: {error}; set `listen` in [http] to an address of this host"),
            "ip -brief address",
        ),
    }
}

/// Whether what listens there names itself in its health answer.
async fn is_linesman(listen: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(listen).await?;
        let request = format!("GET /health HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(answer)) => String::from_utf8_lossy(&answer).to_ascii_lowercase().contains("linesman"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn at(listen: SocketAddr) -> HttpSettings {
        HttpSettings { listen, ..HttpSettings::default() }
    }

    #[tokio::test]
    async fn a_free_port_is_fine_and_a_taken_one_fails_with_how_to_find_who_took_it() {
        let holder = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let taken = holder.local_addr().expect("its address");
        // Close what connects, as a program does that does not speak HTTP.
        let closing = async {
            while let Ok((stream, _)) = holder.accept().await {
                drop(stream)
            }
        };
        let settings = at(taken);
        let check = tokio::select! {
            (check, _) = check(&settings) => check,
            () = closing => unreachable!("it accepts for ever"),
        };
        assert_eq!(check.verdict, Verdict::Fail);
        assert!(check.mend.is_some_and(|mend| mend.contains(&taken.port().to_string())));
        let (free, _) = super::check(&at("127.0.0.1:0".parse().expect("an address"))).await;
        assert_eq!(free.verdict, Verdict::Ok);
    }

    #[tokio::test]
    async fn an_address_of_another_host_fails() {
        let (check, _) = check(&at("192.0.2.1:9470".parse().expect("an address"))).await;
        assert_eq!(check.verdict, Verdict::Fail);
    }
}
