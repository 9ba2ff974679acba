use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt as _;
use linesman::live::Change;
use linesman::store::Role;
use tower::ServiceExt as _;

use crate::daemon::Daemon;

struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(daemon: &Daemon, query: &str, last_event_id: Option<i64>) -> Self {
        let mut request = daemon.by(Role::Viewer, "GET", &format!("/events{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id.to_string());
        }
        let response = daemon.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = Self { body: response.into_body().into_data_stream(), text: String::new() };
        assert!(stream.event().await.unwrap().contains("retry: 3000"));
        stream
    }

    /// The next event; `None` at the end.
    async fn event(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(event);
            }
            let piece = tokio::time::timeout(Duration::from_secs(20), self.body.next());
            let piece = piece.await.expect("an event in time")?.unwrap();
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

#[tokio::test]
async fn a_listener_hears_what_happens_and_misses_nothing_when_it_comes_back() {
    let daemon = Daemon::start().await;
    let first = daemon.open("link-1").await;
    let mut all = Stream::open(&daemon, "?topic=tickets", None).await;
    let mut one = Stream::open(&daemon, &format!("?topic=ticket:{}", first.number), None).await;
    let second = daemon.open("link-2").await;
    let path = format!("/api/v1/tickets/{}/acknowledge", first.number);
    assert_eq!(daemon.change(Role::Noc, &path, 1, "").await.status, 200);

    let opened = all.event().await.unwrap();
    assert!(opened.contains("id: 2") && opened.contains("event: ticket"), "{opened}");
    assert!(opened.contains(&format!(r#""ticket":"{}""#, second.number)), "{opened}");
    let taken = all.event().await.unwrap();
    assert!(
        taken.contains(r#""type":"acknowledged""#) && taken.contains(r#""state":"in_progress""#),
        "{taken}"
    );
    assert_eq!(one.event().await.unwrap(), taken, "who listens to one ticket hears of no other");

    let mut back = Stream::open(&daemon, "?topic=tickets", Some(1)).await;
    assert!(back.event().await.unwrap().contains("id: 2"));
    assert_eq!(back.event().await.unwrap(), taken);
    daemon.open("link-3").await;
    assert!(back.event().await.unwrap().contains("id: 4"), "after the replay it goes on live, nothing twice");
}

#[tokio::test]
async fn a_listener_that_knows_another_chain_is_told_to_read_again_and_hears_what_follows() {
    let daemon = Daemon::start().await;
    daemon.open("link-1").await;
    // As after a backup was put back: the chain is shorter than what the client saw.
    for seen in [9_000, -1, i64::MIN] {
        let mut stream = Stream::open(&daemon, "?topic=tickets", Some(seen)).await;
        assert!(stream.event().await.unwrap().contains("event: reset"), "{seen}");
        let opened = daemon.open(&format!("link-{seen}")).await;
        assert!(stream.event().await.unwrap().contains(&opened.number.to_string()), "{seen}");
    }
}

#[tokio::test]
async fn a_listener_that_fell_behind_is_told_to_read_again() {
    let daemon = Daemon::start().await;
    let mut stream = Stream::open(&daemon, "?topic=diagnosis", None).await;
    for generation in 0..5000 {
        daemon.state.live.tell(Change::Diagnosis(generation));
    }
    assert!(stream.event().await.unwrap().contains("event: reset"));
    assert!(stream.event().await.unwrap().contains("event: diagnosis"));
}

#[tokio::test]
async fn streams_end_when_the_daemon_does() {
    let daemon = Daemon::start().await;
    let mut stream = Stream::open(&daemon, "", None).await;
    daemon.state.closing.cancel();
    assert_eq!(stream.event().await, None);
}

#[tokio::test]
async fn wrong_topics_are_refused() {
    let daemon = Daemon::start().await;
    assert_eq!(daemon.get(Role::Viewer, "/events?topic=everything").await.problem(), "invalid");
    assert_eq!(daemon.get(Role::Viewer, "/events?topic=ticket:LM-2026-000009").await.problem(), "not_found");
}
