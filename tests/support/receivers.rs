//! Receivers of messages on loopback: HTTP, SMTP and syslog, which record what they get and answer as told.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

type Shared<T> = Arc<Mutex<T>>;

/// How a receiver answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status, headers, body.
    Http(u16, &'static [(&'static str, &'static str)], &'static str),
    /// Takes it and never says so.
    Hang,
    /// Takes it and closes the connection.
    Close,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Got {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Got {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// An HTTP server.
pub struct Http {
    pub url: String,
    got: Shared<Vec<Got>>,
    replies: Shared<VecDeque<Reply>>,
    _tasks: JoinSet<()>,
}

impl Http {
    pub async fn start(usual: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (got, replies): (Shared<Vec<Got>>, Shared<VecDeque<Reply>>) = Default::default();
        let mut tasks = JoinSet::new();
        let (seen, planned) = (got.clone(), replies.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (seen, planned, usual) = (seen.clone(), planned.clone(), usual.clone());
                connections.spawn(async move {
                    // A client that goes away is no matter of ours.
                    let _ = serve(stream, &seen, &planned, &usual).await;
                });
            }
        });
        Self { url, got, replies, _tasks: tasks }
    }

    /// Answers the next requests like this, then as usual.
    pub fn answer(&self, replies: impl IntoIterator<Item = Reply>) {
        self.replies.lock().unwrap().extend(replies);
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub async fn wait_for(&self, count: usize) -> Vec<Got> {
        until(&format!("{count} requests"), || {
            let got = self.got();
            (got.len() >= count).then_some(got)
        })
        .await
    }
}

/// Asks until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_500 {
        if let Some(answer) = ask() {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain for {what}");
}

async fn serve(
    stream: TcpStream,
    got: &Mutex<Vec<Got>>,
    replies: &Mutex<VecDeque<Reply>>,
    usual: &Reply,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        got.lock().unwrap().push(Got { path, headers, body });
        let reply = replies.lock().unwrap().pop_front().unwrap_or_else(|| usual.clone());
        match reply {
            Reply::Hang => std::future::pending::<()>().await,
            Reply::Close => return Ok(()),
            Reply::Http(status, headers, body) => {
                let mut answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    answer.push_str(&format!("{name}: {value}\r\n"));
                }
                answer.push_str(&format!("\r\n{body}"));
                stream.get_mut().write_all(answer.as_bytes()).await?;
            }
        }
    }
}

/// A mail server: one mail a connection, without TLS.
pub struct Smtp {
    pub url: String,
    got: Shared<Vec<String>>,
    /// What the next senders are told instead of 250.
    refusals: Shared<VecDeque<&'static str>>,
    _tasks: JoinSet<()>,
}

impl Smtp {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("bound"));
        let (got, refusals): (Shared<Vec<String>>, Shared<VecDeque<&'static str>>) = Default::default();
        let mut tasks = JoinSet::new();
        let (seen, planned) = (got.clone(), refusals.clone());
        tasks.spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let _ = receive(stream, &seen, &planned).await;
            }
        });
        Self { url, got, refusals, _tasks: tasks }
    }

    pub fn refuse(&self, replies: impl IntoIterator<Item = &'static str>) {
        self.refusals.lock().unwrap().extend(replies);
    }

    pub async fn wait_for(&self, count: usize) -> Vec<String> {
        until(&format!("{count} mails"), || {
            let got = self.got.lock().unwrap().clone();
            (got.len() >= count).then_some(got)
        })
        .await
    }
}

async fn receive(
    stream: TcpStream,
    got: &Mutex<Vec<String>>,
    refusals: &Mutex<VecDeque<&'static str>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 test ESMTP\r\n").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.trim_end().split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-test\r\n250 8BITMIME\r\n".to_owned(),
            "MAIL" => match refusals.lock().unwrap().pop_front() {
                Some(refusal) => format!("{refusal}\r\n"),
                None => "250 ok\r\n".to_owned(),
            },
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await?;
                    if line == ".\r\n" || line.is_empty() {
                        break;
                    }
                    mail.push_str(&line);
                }
                got.lock().unwrap().push(mail);
                "250 queued as 4711\r\n".to_owned()
            }
            "QUIT" => {
                stream.get_mut().write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 ok\r\n".to_owned(),
        };
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
}

/// A syslog receiver over UDP.
pub struct Datagrams {
    pub url: String,
    socket: UdpSocket,
}

impl Datagrams {
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("udp://{}", socket.local_addr().expect("bound"));
        Self { url, socket }
    }

    pub async fn next(&self) -> String {
        let mut bytes = vec![0; 65_536];
        let received = tokio::time::timeout(Duration::from_secs(30), self.socket.recv(&mut bytes)).await;
        bytes.truncate(received.expect("in time").expect("a datagram"));
        String::from_utf8(bytes).expect("UTF-8")
    }
}
