//! The daemon's loops over a scripted wire and a book in memory, driven by a script of acts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use linesman::clock::{Clock, SharedClock};
use linesman::diagnosis::Diagnosis;
use linesman::lifecycle::Lifecycle;
use linesman::live::Live;
use linesman::metrics::Metrics;
use linesman::settings::{Settings, load};
use linesman::store::WriteError;
use linesman::ticket::Ticket;
use linesman::ticket::wanted::Action;
use linesman::workers::Book;
use linesman::workers::analyse::Analyser;
use linesman::workers::keeper::Kept;
use linesman::workers::measure::Driver;
use linesman::workers::record::Recorder;
use linesman::workers::rendezvous::Rendezvous;
use linesman::workers::{Keeper, Recent};
use linesman_probes::observation::Observation;
use tokio::sync::{Notify, mpsc, watch};

use super::clock::SimulatedClock;
use super::invariants::Watch;
use super::wire::{Script, ScriptedProbes};

/// What a script does at a second.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Cut(&'static str),
    Heal(&'static str),
    Isolate,
    Rejoin,
    DatabaseAway,
    DatabaseBack,
    StepClock(i64),
    /// New settings: this in the text becomes that.
    Reload(&'static str, &'static str),
    /// A person withdraws every open ticket.
    Withdraw,
}

pub struct World {
    pub book: Arc<Book>,
    pub live: Arc<Live>,
    pub clock: Arc<SimulatedClock>,
    script: Arc<Mutex<Script>>,
    settings: watch::Sender<Arc<Settings>>,
    recent: Arc<Recent>,
    text: String,
    lifecycle: Lifecycle,
    watch: Watch,
    second: u64,
}

impl World {
    /// `room` is how many observations may wait to be recorded.
    pub fn start(text: &str, room: usize) -> Self {
        Self::with_disk(text, room, Duration::ZERO)
    }

    /// As [`World::start`], where every batch takes so long to be kept.
    pub fn with_disk(text: &str, room: usize, delay: Duration) -> Self {
        let settings = read(text);
        let clock = Arc::new(SimulatedClock::new());
        let shared: SharedClock = clock.clone();
        let script = Arc::new(Mutex::new(Script::default()));
        let inventory = settings.inventory.clone();
        let (on_demand, on_demand_receiver) = mpsc::channel(64);
        let book = Arc::new(Book::new(shared.clone(), Some(on_demand)));
        let keeper: Arc<dyn Keeper> = Arc::new(SlowDisk { book: book.clone(), delay });
        let (settings, receiver) = watch::channel(Arc::new(settings));
        let (live, metrics) = (Arc::new(Live::default()), Arc::new(Metrics::new()));
        let recent = Arc::new(Recent::default());
        let (observations, observed) = mpsc::channel(room);
        let (analyse, rendezvous) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let lifecycle = Lifecycle::default();
        let soft = lifecycle.soft().clone();
        let driver = Driver {
            settings: receiver.clone(),
            probes: Arc::new(ScriptedProbes { inventory, script: script.clone() }),
            clock: shared.clone(),
            observations,
            on_demand: on_demand_receiver,
            recent: recent.clone(),
            metrics: metrics.clone(),
            lifecycle: lifecycle.clone(),
        };
        lifecycle.run("measure", driver.run());
        let recorder = Recorder {
            settings: receiver.clone(),
            observations: observed,
            keeper: keeper.clone(),
            live: live.clone(),
            recent: recent.clone(),
            metrics: metrics.clone(),
            analyse: analyse.clone(),
            clock: shared.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("record", recorder.run());
        let analyser = Analyser {
            settings: receiver.clone(),
            recent: recent.clone(),
            keeper: keeper.clone(),
            live: live.clone(),
            metrics: metrics.clone(),
            nudge: analyse,
            rendezvous: rendezvous.clone(),
            clock: shared.clone(),
            soft: soft.clone(),
            start: None,
        };
        lifecycle.run("analyse", analyser.run());
        let meeting = Rendezvous {
            settings: receiver,
            live: live.clone(),
            keeper,
            metrics,
            nudge: rendezvous,
            clock: shared,
            soft,
        };
        lifecycle.run("rendezvous", meeting.run());
        let watch = Watch::default();
        let text = text.to_owned();
        Self { book, live, clock, script, settings, recent, text, lifecycle, watch, second: 0 }
    }

    /// Plays acts until a second, and looks at every invariant after each step.
    pub async fn play(&mut self, acts: &[(u64, Act)], until: u64, step: u64) {
        while self.second < until {
            let now = self.second..self.second + step;
            for (_, act) in acts.iter().filter(|(at, _)| now.contains(at)) {
                self.act(*act);
            }
            tokio::time::sleep(Duration::from_secs(step)).await;
            self.second += step;
            let settle = self.settings.borrow().tickets.settle;
            self.watch.look(self.second, &self.book, &self.live, settle, self.clock.now_utc());
        }
        assert!(!self.lifecycle.has_failed(), "a loop ended by itself");
    }

    fn act(&mut self, act: Act) {
        let mut script = self.script.lock().expect("no panic");
        match act {
            Act::Cut(element) => drop(script.cut.insert(element.to_owned())),
            Act::Heal(element) => drop(script.cut.remove(element)),
            Act::Isolate => script.isolated = true,
            Act::Rejoin => script.isolated = false,
            Act::DatabaseAway | Act::DatabaseBack => {
                let away = matches!(act, Act::DatabaseAway);
                self.book.set_away(away);
                self.watch.away(away, self.second);
            }
            Act::StepClock(seconds) => {
                self.clock.step(seconds);
                self.watch.stepped(self.second);
            }
            Act::Reload(this, that) => {
                self.text = self.text.replace(this, that);
                let new = read(&self.text);
                let old = self.settings.borrow().inventory.clone();
                self.recent.keep_targets(&old, &new.inventory);
                self.settings.send_replace(Arc::new(new));
            }
            Act::Withdraw => {
                for ticket in self.book.tickets().iter().filter(|ticket| ticket.state.is_open()) {
                    let event = linesman::ticket::Event::Cancelled { reason: "no fault".to_owned() };
                    let actor = linesman::ticket::Actor("noc".to_owned());
                    self.book.apply(&ticket.id, None, event, actor).expect("withdrawn");
                }
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Simulated time goes on for the next world.
        self.lifecycle.soft().cancel();
        self.lifecycle.hard().cancel();
    }
}

/// Keeps observations slowly and all else at once.
struct SlowDisk {
    book: Arc<Book>,
    delay: Duration,
}

impl Keeper for SlowDisk {
    fn append_observations<'a>(&'a self, batch: &'a [Observation]) -> Kept<'a, ()> {
        Box::pin(async move {
            tokio::time::sleep(self.delay).await;
            self.book.append_observations(batch).await
        })
    }

    fn save_diagnosis<'a>(&'a self, diagnosis: &'a Diagnosis) -> Kept<'a, i64> {
        self.book.save_diagnosis(diagnosis)
    }

    fn tickets_for_planning<'a>(&'a self, keys: &'a [String]) -> Kept<'a, Vec<Ticket>> {
        self.book.tickets_for_planning(keys)
    }

    fn carry_out(&self, generation: i64, actions: Vec<Action>) -> Kept<'_, Vec<Ticket>, WriteError> {
        self.book.carry_out(generation, actions)
    }
}

fn read(text: &str) -> Settings {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("linesman.toml");
    std::fs::write(&file, text).expect("written");
    load(&file, []).expect("the settings are well formed")
}
