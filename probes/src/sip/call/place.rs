//! Places a test call on real sockets: one for the signalling, two for voice and its reports.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use linesman_media::quality::rtcp::SenderInfo;
use tokio::time::{Instant, sleep_until};

use super::codec::CallCodec;
use super::control::compound;
use super::dialog::{Asking, Dialog, End, Stage};
use super::digest::Credentials;
use super::ear::{Ear, ntp};
use super::link::{Link, Received};
use super::offer::{Agreed, agreed, describe};
use super::ports::{MediaPorts, drops_of};
use super::report::{CallReport, Ended};
use super::train::Train;
use crate::observation::Impediment;
use crate::probe::Transport;
use crate::wire::{DropWatch, Failure};

/// Marking of voice: Expedited Forwarding (RFC 3246).
pub const VOICE_DSCP: u8 = 46;
/// After the last packet: what is still under way.
const LINGER: Duration = Duration::from_millis(300);
/// For the far end's last report after our goodbye.
const LAST_WORD: Duration = Duration::from_millis(150);
/// First report soon, so that one short call gives a round trip; then as often.
const FIRST_REPORT: Duration = Duration::from_millis(500);
const REPORT_EVERY: Duration = Duration::from_secs(2);
/// A packet of ours that leaves so late is our own host's doing…
const LATE_SENDING: Duration = Duration::from_millis(15);
/// …and a call with this share of them measures our host and not the line.
const MOST_LATE: f64 = 0.01;

/// What fixes a test call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPlan {
    /// Where SIP is sent to.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
    /// Who is called.
    pub uri: String,
    /// User part of From.
    pub from: String,
    /// What is spoken.
    pub codec: CallCodec,
    /// How long.
    pub length: Duration,
    /// How long the far end may take to answer.
    pub patience: Duration,
    /// Who we are, if asked.
    pub credentials: Option<Credentials>,
}

/// Credentials of a user and a file that holds the password.
///
/// # Errors
/// Why the file cannot be read.
pub fn credentials(user: &str, password_file: &PathBuf) -> Result<Credentials, String> {
    let password = std::fs::read_to_string(password_file)
        .map_err(|error| format!("{} cannot be read: {error}", password_file.display()))?;
    let password = password.lines().next().unwrap_or_default().to_owned();
    if password.is_empty() {
        return Err(format!("{} holds no password in its first line", password_file.display()));
    }
    Ok(Credentials { user: user.to_owned(), password })
}

/// Calls, talks, hangs up, and says what it came to.
pub async fn place(plan: &CallPlan) -> CallReport {
    let report = CallReport::new(&plan.uri, &plan.address.to_string(), plan.codec);
    let link = match Link::open(plan.address, plan.transport, plan.patience).await {
        Ok(link) => link,
        Err(error) => return not_linked(report, plan, &error),
    };
    let local = link.local();
    let ports = match MediaPorts::open(local.ip()).await {
        Ok(ports) => ports,
        Err(error) => {
            let reason = format!("no port for voice at {}: {error}", local.ip());
            return report.not_measured(Impediment::Local { reason });
        }
    };
    let mut random = [0_u8; 32];
    if let Err(error) = getrandom::fill(&mut random) {
        let reason = format!("no random bytes for a call: {error}");
        return report.not_measured(Impediment::Local { reason });
    }
    let (identity, rest) = random.split_at(16);
    let mut seed = [0; 16];
    seed.copy_from_slice(rest);
    let asking = Asking {
        uri: plan.uri.clone(),
        from: plan.from.clone(),
        local,
        transport: if plan.transport == Transport::Tcp { "TCP" } else { "UDP" },
        offer: describe(
            ports.address,
            plan.codec,
            u64::from(u32::from_be_bytes([seed[0], seed[1], seed[2], seed[3]])),
        ),
        patience: plan.patience,
        credentials: plan.credentials.clone(),
        identity: identity.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let train = Train::new(plan.codec, plan.length, seed);
    let drops = drops_of(&ports.voice);
    let begin = Instant::now();
    let mut call = Call {
        plan,
        begin,
        line: Line { dialog: Dialog::begin(asking, Duration::ZERO), link, begin },
        ear: Ear::new(&train),
        train,
        talk: None,
        agreed: None,
        dscp: ports.mark(VOICE_DSCP),
        ports,
        early: 0,
        strangers: 0,
        refused: false,
        drops_before: drops.as_ref().and_then(DropWatch::recent),
        drops,
        report,
    };
    let failed = call.converse().await;
    call.finish(failed).await
}

/// What happens once the far end has answered; times count from the beginning of the call.
struct Talk {
    /// The first packet's time.
    from: Duration,
    next: u32,
    /// Packets that our own host refused to send.
    unsent: u32,
    next_report: Duration,
    late: u32,
    latest: Duration,
    octets: u32,
    /// When the goodbye of RTCP was said.
    parted: Option<Duration>,
    /// First packet heard.
    first_heard: Option<Duration>,
}

/// The signalling, which is not left hanging: given up half-way (a stop, a time limit), the far end is told at once.
struct Line {
    dialog: Dialog,
    link: Link,
    begin: Instant,
}

impl Drop for Line {
    fn drop(&mut self) {
        let now = self.begin.elapsed();
        self.dialog.abandon(now);
        self.dialog.hang_up(now);
        while let Some(bytes) = self.dialog.take_out() {
            self.link.send_now(&bytes);
        }
    }
}

struct Call<'a> {
    plan: &'a CallPlan,
    begin: Instant,
    line: Line,
    ports: MediaPorts,
    ear: Ear,
    train: Train,
    talk: Option<Talk>,
    agreed: Option<Result<Agreed, String>>,
    dscp: Option<u8>,
    early: u64,
    strangers: u64,
    refused: bool,
    drops: Option<DropWatch>,
    drops_before: Option<u64>,
    report: CallReport,
}

impl Call<'_> {
    /// Until the call is over; an error is our own or the path's.
    async fn converse(&mut self) -> Result<(), io::Error> {
        let (mut voice, mut control) = (vec![0; 2048], vec![0; 2048]);
        loop {
            let now = self.begin.elapsed();
            self.line.dialog.tick(now);
            while let Some(bytes) = self.line.dialog.take_out() {
                self.line.link.send(&bytes).await?;
            }
            if let Stage::Over(_) = self.line.dialog.stage() {
                return Ok(());
            }
            if *self.line.dialog.stage() == Stage::Talking && self.talk.is_none() {
                self.begin_to_talk(now);
                continue;
            }
            let wake = self.speak(now).await.into_iter().chain(self.line.dialog.next_wake()).min();
            let wake = self.begin + wake.unwrap_or(now + Duration::from_millis(100)).max(now);
            tokio::select! {
                // What came first: its time is taken before ours runs out.
                biased;
                received = self.ports.voice.recv_from(&mut voice) => {
                    let at = self.begin.elapsed();
                    if let Ok((length, from)) = received {
                        self.hear(voice.get(..length).unwrap_or_default(), from.ip(), at, false);
                    }
                }
                received = self.ports.control.recv_from(&mut control) => {
                    let at = self.begin.elapsed();
                    if let Ok((length, from)) = received {
                        self.hear(control.get(..length).unwrap_or_default(), from.ip(), at, true);
                    }
                }
                received = self.line.link.receive() => match received {
                    Ok(Received::Message(message)) => self.line.dialog.heard(&message, self.begin.elapsed()),
                    Ok(Received::Nonsense) => {}
                    Ok(Received::Closed) => return Err(ErrorKind::ConnectionReset.into()),
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                        self.refused = true;
                        return Err(error);
                    }
                    // Errors that routers on the way report say no more than silence does.
                    Err(error) if self.line.link.is_datagram() => {
                        tracing::debug!(peer = %self.plan.address, %error, "error while waiting");
                    }
                    Err(error) => return Err(error),
                },
                () = sleep_until(wake) => {}
            }
        }
    }

    fn begin_to_talk(&mut self, now: Duration) {
        let agreed = agreed(self.line.dialog.description(), self.plan.codec);
        if agreed.is_err() {
            self.line.dialog.hang_up(now);
        }
        self.talk = Some(Talk {
            from: now,
            next: 0,
            unsent: 0,
            next_report: now + FIRST_REPORT,
            late: 0,
            latest: Duration::ZERO,
            octets: 0,
            parted: None,
            first_heard: None,
        });
        self.agreed = Some(agreed);
    }

    /// Sends what is due and says when to look again; `None` when voice has nothing more to do.
    async fn speak(&mut self, now: Duration) -> Option<Duration> {
        let Some(Ok(agreed)) = self.agreed.clone() else { return None };
        if *self.line.dialog.stage() != Stage::Talking {
            return None;
        }
        let talk = self.talk.as_mut()?;
        while talk.next < self.train.count && talk.from + self.train.due(talk.next) <= now {
            let packet = self.train.packet(talk.next);
            let at = self.begin.elapsed();
            let lateness = at.saturating_sub(talk.from + self.train.due(talk.next));
            // What our own host does not send is a loss of ours: such a call accuses nobody.
            if let Err(error) = self.ports.voice.send_to(&packet, agreed.rtp).await {
                talk.unsent += 1;
                tracing::debug!(%error, "voice was not sent");
            }
            self.ear.said(&packet, nanos(at));
            talk.late += u32::from(lateness > LATE_SENDING);
            talk.latest = talk.latest.max(lateness);
            talk.octets = talk.octets.wrapping_add(self.plan.codec.packet_bytes() as u32);
            talk.next += 1;
        }
        if talk.next_report <= now && talk.parted.is_none() {
            talk.next_report = now + REPORT_EVERY;
            let report = own_report(&self.train, talk, &self.ear, now, self.line.dialog.call_id(), false);
            let _ = self.ports.control.send_to(&report, agreed.rtcp).await;
        }
        if talk.next < self.train.count {
            return Some((talk.from + self.train.due(talk.next)).min(talk.next_report));
        }
        let said_all = talk.from + self.train.due(self.train.count - 1);
        // A long way is waited for once more.
        let away =
            self.ear.trip_s().map_or(LINGER, |trip| Duration::from_secs_f64(trip.clamp(0.0, 1.0)) + LINGER);
        match talk.parted {
            None if now >= said_all + away => {
                talk.parted = Some(now);
                let report = own_report(&self.train, talk, &self.ear, now, self.line.dialog.call_id(), true);
                let _ = self.ports.control.send_to(&report, agreed.rtcp).await;
                Some(now + away.min(LINGER) / 2 + LAST_WORD)
            }
            None => Some(said_all + away),
            Some(parted) if now >= parted + away.min(LINGER) / 2 + LAST_WORD => {
                self.line.dialog.hang_up(now);
                Some(now)
            }
            Some(parted) => Some(parted + away.min(LINGER) / 2 + LAST_WORD),
        }
    }

    fn hear(&mut self, bytes: &[u8], from: IpAddr, at: Duration, is_control: bool) {
        let agreed_ip =
            self.agreed.as_ref().and_then(|agreed| agreed.as_ref().ok()).map(|agreed| agreed.rtp.ip());
        if Some(from) != agreed_ip && from != self.plan.address.ip() {
            self.strangers += 1;
            return;
        }
        let Some(talk) = &mut self.talk else {
            // Ring-back tones and announcements before the answer are no part of the call's voice.
            self.early += 1;
            return;
        };
        if is_control {
            return self.ear.hear_report(bytes, nanos(at));
        }
        talk.first_heard.get_or_insert(at);
        self.ear.hear(bytes, nanos(at));
    }

    async fn finish(mut self, failed: Result<(), io::Error>) -> CallReport {
        let mut report = self.report;
        report.call_id = self.line.dialog.call_id();
        report.retransmissions = self.line.dialog.retransmissions();
        report.dscp = self.dscp;
        report.sent = self.talk.as_ref().map_or(0, |talk| u64::from(talk.next));
        let ours =
            failed.err().and_then(|error| match Failure::of_connected(&error, self.plan.address.ip()) {
                Failure::Ours(impediment) => Some(impediment),
                Failure::Refused if self.refused && self.line.dialog.answered().is_none() => {
                    report.ended = Ended::Unreachable;
                    report.problem = Some("the host says that nobody listens at this port".to_owned());
                    report.hint =
                        Some("check the port; ask with `linesman probe sip` which one speaks SIP".to_owned());
                    None
                }
                Failure::Refused | Failure::Silent => {
                    report.ended =
                        if self.line.dialog.answered().is_some() { Ended::FarHungUp } else { Ended::Silent };
                    report.problem = Some(format!("the connection was lost: {error}"));
                    None
                }
            });
        if let Some(impediment) = ours {
            return report.not_measured(impediment);
        }
        let (progress, answered) = (self.line.dialog.progress(), self.line.dialog.answered());
        let has_password = self.plan.credentials.is_some();
        if let Stage::Over(end) = self.line.dialog.stage() {
            report.note_signalling(end, progress, answered, has_password, self.plan.patience);
        } else {
            let end = if answered.is_some() { End::FarHungUp } else { End::NotAnswered };
            let (ended, problem, hint) = (report.ended, report.problem.take(), report.hint.take());
            report.note_signalling(&end, progress, answered, has_password, self.plan.patience);
            (report.ended, report.problem, report.hint) = (ended, problem, hint);
        }
        match &self.agreed {
            Some(Err(why)) => {
                report.ended = Ended::NoMedia;
                report.problem = Some(why.clone());
                report
                    .hint
                    .get_or_insert_with(|| "ask the far end's operator what it answers with".to_owned());
            }
            Some(Ok(agreed)) => {
                if !agreed.far_sends {
                    report.findings.push("far_end_only_listens".to_owned());
                }
                report.note_voice(&self.ear, &agreed.rtp.to_string(), &self.ports.address.to_string());
            }
            None => {}
        }
        if let Some(talk) = &mut self.talk {
            report.late_sending_ms = (talk.latest.as_secs_f64() * 1e6).round() / 1e3;
            if f64::from(talk.late) > MOST_LATE * f64::from(talk.next) && talk.next > 0 {
                report.measurement_faults.push("late_sending");
            }
            if talk.unsent > 0 {
                report.measurement_faults.push("not_sent");
            }
            if talk.first_heard.is_some_and(|first| first > talk.from + Duration::from_secs(1)) {
                report.findings.push("late_media".to_owned());
            }
        }
        if self.early > 0 {
            report.findings.push("early_media".to_owned());
        }
        if self.strangers > 0 {
            report.findings.push("packets_of_strangers".to_owned());
        }
        if let Some(watch) = &self.drops {
            let after = watch.after(std::time::Instant::now()).await;
            if DropWatch::between(self.drops_before, after) > 0 {
                report.measurement_faults.push("own_socket_drops");
            }
        }
        report
    }
}

fn own_report(train: &Train, talk: &Talk, ear: &Ear, now: Duration, name: String, leaves: bool) -> Vec<u8> {
    let at_ns = nanos(now);
    let since = now.saturating_sub(talk.from).as_secs_f64() * f64::from(super::codec::CLOCK);
    let sender = SenderInfo {
        ntp: ntp(at_ns),
        rtp_timestamp: train.first_timestamp.wrapping_add(since as u32),
        packets: talk.next,
        octets: talk.octets,
    };
    compound(train.ssrc, Some(&sender), &ear.blocks(at_ns), &name, leaves)
}

fn nanos(at: Duration) -> i64 {
    i64::try_from(at.as_nanos()).unwrap_or(i64::MAX)
}

/// No connection or no socket: the target's refusal, its silence, or our own inability.
fn not_linked(mut report: CallReport, plan: &CallPlan, error: &io::Error) -> CallReport {
    match Failure::of_connected(error, plan.address.ip()) {
        Failure::Ours(impediment) => return report.not_measured(impediment),
        Failure::Refused => {
            report.ended = Ended::Unreachable;
            report.problem = Some("the host says that nobody listens at this port".to_owned());
        }
        Failure::Silent => {
            report.ended = Ended::Silent;
            report.problem = Some(format!("no connection within {} s", plan.patience.as_secs()));
        }
    }
    report.hint = Some("check the port and the transport; ask with `linesman probe sip`".to_owned());
    report
}
