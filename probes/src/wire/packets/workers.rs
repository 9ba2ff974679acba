//! Several sources read side by side, each on a thread of its own.
//!
//! The kernel gives each flow to one of them, so packets of a stream stay in order; packets of different flows are
//! put in order as far as they wait together. A reader that cannot hand on waits, its ring fills, and the kernel
//! counts what it drops: nothing is lost silently.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{CaptureError, Captured, Counters, PacketSource};

/// Batches that may wait.
const WAITING: usize = 64;
/// Batches that are put in order together.
const TOGETHER: usize = 32;
/// How often a reader looks whether it is still wanted, and counts.
const PAUSE: Duration = Duration::from_millis(50);

/// Packets one behind the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    packets: Vec<(i64, u32, usize, usize)>,
}

type Handed = Result<Batch, CaptureError>;

/// The readers.
pub struct Workers {
    batches: Receiver<Handed>,
    counters: Vec<Arc<Mutex<Counters>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts a reader for each source.
    ///
    /// # Errors
    /// When a thread cannot be made.
    pub fn start(sources: Vec<Box<dyn PacketSource>>) -> std::io::Result<Self> {
        let (sender, batches) = sync_channel(WAITING);
        let stop = Arc::new(AtomicBool::new(false));
        let mut workers = Self { batches, counters: Vec::new(), stop, threads: Vec::new() };
        for (number, source) in sources.into_iter().enumerate() {
            let counters = Arc::new(Mutex::new(Counters::default()));
            workers.counters.push(Arc::clone(&counters));
            let (sender, stop) = (sender.clone(), Arc::clone(&workers.stop));
            let thread = std::thread::Builder::new().name(format!("capture-{number}"));
            workers.threads.push(thread.spawn(move || read(source, &sender, &counters, &stop))?);
        }
        Ok(workers)
    }
}

fn read(
    mut source: Box<dyn PacketSource>,
    to: &SyncSender<Handed>,
    counters: &Mutex<Counters>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        let mut batch = Batch::default();
        let received = source.receive(PAUSE, &mut |packet| {
            let begin = batch.bytes.len();
            batch.bytes.extend_from_slice(packet.data);
            batch.packets.push((packet.at_ns, packet.link, begin, packet.data.len()));
        });
        let counted = source.counters();
        if let Ok(counted) = &counted {
            *counters.lock().unwrap_or_else(PoisonError::into_inner) = *counted;
        }
        let handed = received.and(counted).map(|_| batch);
        let over = handed.is_err();
        let empty = handed.as_ref().is_ok_and(|batch| batch.packets.is_empty());
        if !empty && (to.send(handed).is_err() || over) {
            return;
        }
    }
}

impl PacketSource for Workers {
    fn receive(
        &mut self,
        patience: Duration,
        take: &mut dyn FnMut(Captured<'_>),
    ) -> Result<usize, CaptureError> {
        let first = match self.batches.recv_timeout(patience) {
            Ok(batch) => batch?,
            Err(RecvTimeoutError::Timeout) => return Ok(0),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(CaptureError::Unsupported("all readers of the interface have ended"));
            }
        };
        let mut batches = vec![first];
        while batches.len() < TOGETHER
            && let Ok(batch) = self.batches.try_recv()
        {
            batches.push(batch?);
        }
        let mut order: Vec<(i64, usize, usize)> = Vec::new();
        for (number, batch) in batches.iter().enumerate() {
            order.extend(batch.packets.iter().enumerate().map(|(place, packet)| (packet.0, number, place)));
        }
        // Batches of one reader come one after the other, so a stable sort keeps each flow in its order.
        order.sort_by_key(|(at_ns, _, _)| *at_ns);
        for (_, number, place) in &order {
            let batch = &batches[*number];
            let (at_ns, link, begin, length) = batch.packets[*place];
            take(Captured { at_ns, link, data: &batch.bytes[begin..begin + length] });
        }
        Ok(order.len())
    }

    fn counters(&mut self) -> Result<Counters, CaptureError> {
        let read = |counters: &Arc<Mutex<Counters>>| *counters.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.counters.iter().map(read).fold(Counters::default(), Counters::plus))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A reader that waits to hand on must not wait for ever.
        while self.threads.iter().any(|thread| !thread.is_finished()) {
            let _ = self.batches.recv_timeout(PAUSE);
        }
    }
}
