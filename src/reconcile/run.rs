//! One reconciliation from files to answer.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};

use linesman_cdr::cause::{Attributor, Example, Ledger, LedgerContext, Model, Tally, Unread, infer};
use linesman_cdr::format::{Role, RowReader, TimeStyle, Zone};
use linesman_cdr::outcome::{CallDetail, DetailSink, Finding};
use linesman_cdr::pair::{LearnContext, Learned, Matcher, SideContext, Sink, learn};
use linesman_cdr::rating::{Contract, Deck, Rater};
use linesman_cdr::record::{Record, Side};
use sha2::{Digest as _, Sha256};

use crate::error::ReconcileError;
use crate::feed::Text;
use crate::job::{Finished, InputFacts, Job, Progress};
use crate::learning::{ByCallerThenHour, sample};
use crate::lines::Texts;
use crate::partition::Walk;
use crate::period::{Outside, Within};
use crate::plan::Plan;
use crate::read::{Contents, read};
use crate::runs::Room;
use crate::source::Source;
use crate::sums::{Breakdown, Charging, Counting};
use crate::zones;

/// Files up to this size are hashed in any case.
const SMALL: u64 = 64 << 20;

/// Reconciles two files against a rate deck. Calls that differ go to `details`, earliest first as long
/// as all of them fit into memory, else partition by partition.
///
/// # Errors
///
/// [`ReconcileError`]; temporary files are gone then too.
pub fn run(job: &Job, progress: &Progress, details: &mut dyn DetailSink) -> Result<Finished, ReconcileError> {
    run_by(job, progress, details, |plan| plan)
}

/// As [`run`], with a say in how the work is cut up, for tests: it must not change the answer.
fn run_by(
    job: &Job,
    progress: &Progress,
    details: &mut dyn DetailSink,
    replan: impl Fn(Plan) -> Plan,
) -> Result<Finished, ReconcileError> {
    let (contract, contract_sha256) = match &job.contract {
        Some(path) => {
            let text = text_of(path)?;
            let contract = Contract::read(&text)
                .map_err(|source| ReconcileError::Contract { path: path.clone(), source })?;
            (contract, Some(sha256(text.as_bytes())))
        }
        None => (Contract::default(), None),
    };
    let rates = text_of(&job.rates)?;
    let deck = Deck::read_by(&rates, &contract)
        .map_err(|source| ReconcileError::Deck { path: job.rates.clone(), source })?;
    let rater = Rater::new(&deck, &contract)
        .map_err(|source| ReconcileError::Contract { path: job.rates.clone(), source })?;

    let parent = job.temporary.clone().unwrap_or_else(temporary_place);
    let folder = tempfile::Builder::new()
        .prefix("linesman-cdr-")
        .tempdir_in(&parent)
        .map_err(|source| ReconcileError::Temporary { folder: parent.clone(), source })?;
    let sources = Source::open_pair(&job.ours, &job.theirs, folder.path())?;
    let texts = [Text::open(sources[0].path())?, Text::open(sources[1].path())?];
    let readers = [RowReader::new(sources[0].layout())?, RowReader::new(sources[1].layout())?];
    let lines = [texts[0].about_lines()?, texts[1].about_lines()?];
    let plan =
        replan(Plan::new(job.memory, job.threads, lines[0].max(lines[1]), lines[0].saturating_add(lines[1])));
    progress.of.store(texts[0].length() + texts[1].length(), Ordering::Relaxed);

    let room = Room::new(plan.held);
    let mut contents =
        read([&texts[0], &texts[1]], [&readers[0], &readers[1]], &plan, &room, folder.path(), progress)?;
    let (learned, zone_open) = learn_from(&contents, &sources, &rater)?;
    if progress.is_cancelled() {
        return Err(ReconcileError::Cancelled);
    }

    let techs = Side::BOTH
        .map(|side| learned.tech_prefixes(side).iter().map(ToString::to_string).collect::<Vec<String>>());
    // A column of amounts with nothing in it, as 3CX writes, says nothing of what was charged.
    let has = |side: usize| {
        let wanted = sources[side].layout().columns.contains(&Role::Amount);
        wanted && (contents[side].tally.priced > 0 || contents[side].tally.records == 0)
    };
    let unread = [0, 1].map(|side: usize| {
        Unread::of(contents[side].rejections.iter().map(|rejection| rejection.text.as_str()))
    });
    let context = LedgerContext {
        rater: &rater,
        names: [&contents[0].names, &contents[1].names],
        has_amounts: [has(0), has(1)],
        techs: [&techs[0], &techs[1]],
        unread: [&unread[0], &unread[1]],
        capacity: plan.ledger,
    };
    let passes = Passes {
        walk: Walk {
            sides: &contents,
            plan: &plan,
            room: &room,
            folder: folder.path(),
            divide: &ByCallerThenHour(&learned),
        },
        learned: &learned,
        progress,
        period: job.period,
    };
    let sums = job.sums.then(|| Breakdown::new(&deck, context.names));
    let (ledger, outside, sums) = passes.ledger(context, sums)?;
    let model = infer(&ledger);
    let sums = sums.map(|sums| Charging::new(sums, context));
    let mut kept = Keeping { sink: details, kept: Vec::new(), most: plan.details, count: 0, sums };
    let tally = if model.needs_second_pass(&ledger) {
        drop(ledger);
        let tally = passes.attribute(&model)?;
        passes.details(&model, &tally, &mut kept)?;
        tally
    } else {
        let tally = model.attribute(&ledger);
        model.details(&ledger, &tally, &mut kept);
        tally
    };
    if progress.is_cancelled() {
        return Err(ReconcileError::Cancelled);
    }
    check(&contents, &tally, &outside)?;

    let mut kept_texts = Texts::default();
    for ((side, source), reader) in Side::BOTH.into_iter().zip(&sources).zip(readers) {
        let file = std::fs::File::open(source.path()).map_err(ReconcileError::io(source.path()))?;
        kept_texts.keep(side, file, reader, &source.layout().columns);
    }
    let findings: Vec<Finding> =
        sources.iter().flat_map(Source::findings).chain(&learned.findings).cloned().collect();
    let identify = |example: &Example| {
        Side::BOTH
            .into_iter()
            .filter(|side| example.places[side.index()] != u64::MAX)
            .find_map(|side| kept_texts.call_id(side, example.places[side.index()]))
    };
    let rejected = [contents[0].tally.rejected, contents[1].tally.rejected];
    let mut outcome = model.outcome(&tally, findings, rejected, &identify);
    if let Some(side) = zone_open
        && let Some(cause) = outcome.causes.iter().find(|cause| zones::may_make(cause, &rater))
    {
        let path = sources[side.index()].given().to_owned();
        return Err(ReconcileError::ZoneOpen { path, side, cause: cause.kind });
    }
    (outcome.counts.outside_ours, outcome.counts.outside_theirs) = (outside[0].records, outside[1].records);
    let Keeping { kept: details, count: detail_count, sums, .. } = kept;
    let sums = sums.map(|charging| charging.sums);
    drop(model);
    for (contents, outside) in contents.iter_mut().zip(&outside) {
        contents.tally.outside = outside.records;
        contents.tally.outside_talk_ms = outside.talk_ms;
        contents.tally.outside_amount = outside.amount;
    }
    let inputs = [
        facts(&sources[0], &contents[0], Side::Ours, &learned, job.hash)?,
        facts(&sources[1], &contents[1], Side::Theirs, &learned, job.hash)?,
    ];
    let [ours, theirs] = contents;
    let [ours, theirs] = [(ours, &sources[0]), (theirs, &sources[1])].map(|(side, source)| {
        let mut rejections = side.rejections;
        for rejection in &mut rejections {
            rejection.line = source.line(rejection.line);
        }
        (side.names, rejections)
    });
    drop(sources);
    folder.close().map_err(|source| ReconcileError::Temporary { folder: parent, source })?;
    Ok(Finished {
        outcome,
        inputs,
        rates_sha256: sha256(rates.as_bytes()),
        contract_sha256,
        names: [ours.0, theirs.0],
        rejections: [ours.1, theirs.1],
        details,
        detail_count,
        sums,
        period: job.period,
        texts: kept_texts,
        deck,
        contract,
    })
}

fn text_of(path: &Path) -> Result<String, ReconcileError> {
    std::fs::read_to_string(path).map_err(ReconcileError::io(path))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `TMPDIR`, else the place for temporary files that may be large: `/tmp` is memory on many systems.
fn temporary_place() -> PathBuf {
    let large = Path::new("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && large.is_dir() {
        large.to_owned()
    } else {
        std::env::temp_dir()
    }
}

fn facts(
    source: &Source,
    contents: &Contents,
    side: Side,
    learned: &Learned,
    hash: bool,
) -> Result<InputFacts, ReconcileError> {
    let sha256 = if hash || source.bytes() <= SMALL {
        source.sha256().map_err(ReconcileError::io(source.given()))?
    } else {
        String::new()
    };
    let clock = &learned.clocks[side.index()];
    let coverage = &contents.coverage;
    let period = [(coverage.first_start_ms, 0), (coverage.last_start_ms, u64::MAX)];
    Ok(InputFacts {
        name: source.given().file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256,
        bytes: source.bytes(),
        layout: source.layout().clone(),
        tally: contents.tally,
        period_ms: (coverage.records > 0).then(|| period.map(|(own, place)| clock.corrected(own, place))),
    })
}

/// What the sides call the same, and whose zone has to be asked for if a cause depends on it.
fn learn_from(
    contents: &[Contents; 2],
    sources: &[Source; 2],
    rater: &Rater,
) -> Result<(Learned, Option<Side>), ReconcileError> {
    let mut prefixes: Vec<String> = rater.deck().rows.iter().map(|row| row.prefix.clone()).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    let side = |side: usize| {
        let layout = sources[side].layout();
        let epoch =
            matches!(layout.time, TimeStyle::EpochSeconds | TimeStyle::EpochMillis | TimeStyle::EpochMicros);
        SideContext {
            names: &contents[side].names,
            zone_known: epoch || layout.zone != Zone::Unknown,
            coverage: contents[side].coverage,
        }
    };
    let context = LearnContext {
        sides: [side(0), side(1)],
        deck_prefixes: &prefixes,
        clock_offset_ms: None,
        tolerance_ms: None,
    };
    let [ours, theirs] = sample(contents)?;
    let mut learned = learn(&ours, &theirs, &context);
    // Where calls are paired, the zone of one side is that of the other.
    let known = [context.sides[0].zone_known, context.sides[1].zone_known];
    let unnamed =
        if learned.votes > 0 && known.contains(&true) { [false; 2] } else { known.map(|known| !known) };
    let open = zones::settle(&mut learned, rater, [&ours, &theirs], unnamed);
    let whose = if unnamed[0] && !ours.is_empty() { Side::Ours } else { Side::Theirs };
    Ok((learned, open.then_some(whose)))
}

/// Every record that was read is somewhere in the answer, and the causes' shares are the difference.
fn check(contents: &[Contents; 2], tally: &Tally, outside: &[Outside; 2]) -> Result<(), ReconcileError> {
    for side in Side::BOTH {
        let read = contents[side.index()].tally.records;
        let told = tally.tallied.records[side.index()] + outside[side.index()].records;
        if read != told {
            return Err(ReconcileError::DoesNotAddUp(format!(
                "{read} records of {side:?} were read, {told} came out of pairing"
            )));
        }
    }
    let difference = tally.charged[1] - tally.charged[0];
    let shares: i128 = tally.causes.iter().map(|cause| cause.amount).sum::<i128>() + tally.unexplained;
    if shares != difference {
        return Err(ReconcileError::DoesNotAddUp(format!(
            "the causes and what is unexplained make {shares} billionths, the difference is {difference}"
        )));
    }
    Ok(())
}

/// The walks over all partitions.
struct Passes<'a> {
    walk: Walk<'a, ByCallerThenHour<'a>>,
    learned: &'a Learned,
    progress: &'a Progress,
    period: Option<[i64; 2]>,
}

impl Passes<'_> {
    fn begin(&self) {
        self.progress.partitions.fetch_add(u64::from(self.walk.plan.partitions), Ordering::Relaxed);
    }

    /// Pairs all records into one ledger. Threads bring what they have to it before it grows large, so
    /// that what is kept does not depend on how many they are. Beside it: what is outside the period, and the
    /// sums that were asked for.
    fn ledger<'c>(
        &self,
        context: LedgerContext<'c>,
        sums: Option<Breakdown>,
    ) -> Result<(Ledger<'c>, [Outside; 2], Option<Breakdown>), ReconcileError> {
        self.begin();
        let whole = Mutex::new(Ledger::new(context));
        let most = self.walk.plan.ledger / self.walk.plan.threads / 4;
        let mut outside = [Outside::default(); 2];
        let mut all_sums = sums.clone();
        self.walk
            .every(
                self.progress,
                || (Ledger::new(context), Matcher::default(), [Outside::default(); 2], sums.clone()),
                |(ledger, matcher, outside, sums), [ours, theirs]| {
                    let left = match sums {
                        None => self.sift(matcher, ours, theirs, ledger),
                        Some(sums) => {
                            let mut counting = Counting { rater: context.rater, sums, to: ledger };
                            self.sift(matcher, ours, theirs, &mut counting)
                        }
                    };
                    for (all, here) in outside.iter_mut().zip(left) {
                        all.add(&here);
                    }
                    if ledger.bytes() > most {
                        let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
                        let full = std::mem::replace(ledger, Ledger::new(context));
                        whole.merge(full);
                        *ledger = whole.emptied();
                    }
                    Ok(())
                },
                |_, _, _| {},
            )?
            .into_iter()
            .for_each(|(ledger, _, left, sums)| {
                for (all, one) in outside.iter_mut().zip(&left) {
                    all.add(one);
                }
                if let (Some(all), Some(sums)) = (&mut all_sums, &sums) {
                    all.merge(sums);
                }
                whole.lock().unwrap_or_else(PoisonError::into_inner).merge(ledger);
            });
        Ok((whole.into_inner().unwrap_or_else(PoisonError::into_inner), outside, all_sums))
    }

    /// Pairs one partition and hands on what is within the period; says what is not.
    fn sift<S: Sink>(
        &self,
        matcher: &mut Matcher,
        ours: &mut [Record],
        theirs: &mut [Record],
        to: &mut S,
    ) -> [Outside; 2] {
        let mut within = Within::new(self.period, to);
        matcher.run(ours, theirs, self.learned, &mut within);
        within.outside()
    }

    /// Pairs all records again and walks every call through the causes.
    fn attribute(&self, model: &Model<'_>) -> Result<Tally, ReconcileError> {
        self.begin();
        let tallies = self.walk.every(
            self.progress,
            || (model.attributor(None), Matcher::default()),
            |(attributor, matcher), [ours, theirs]| {
                matcher.run(ours, theirs, self.learned, &mut Within::new(self.period, attributor));
                Ok(())
            },
            |_, _, _| {},
        )?;
        let mut all = Tally::default();
        for (attributor, _) in tallies {
            all.merge(attributor.finish());
        }
        Ok(all)
    }

    /// Pairs them once more and hands on the calls that differ, partition by partition in order.
    fn details(
        &self,
        model: &Model<'_>,
        tally: &Tally,
        sink: &mut dyn DetailSink,
    ) -> Result<(), ReconcileError> {
        self.begin();
        let ranks = model.ranks(tally);
        let turn = Mutex::new((0u32, sink));
        let moved = Condvar::new();
        self.walk.every(
            self.progress,
            || (Batch::default(), Matcher::default()),
            |(batch, matcher), [ours, theirs]| {
                let mut attributor = Attributor::new(model, Some(batch)).with_ranks(ranks.clone());
                matcher.run(ours, theirs, self.learned, &mut Within::new(self.period, &mut attributor));
                Ok(())
            },
            |(batch, _), partition, watch| {
                // Partitions are begun in order, so the one whose turn it is always goes on.
                let mut at = turn.lock().unwrap_or_else(PoisonError::into_inner);
                while at.0 != partition && !watch.stopped() {
                    let wait = std::time::Duration::from_millis(100);
                    at = moved.wait_timeout(at, wait).unwrap_or_else(PoisonError::into_inner).0;
                }
                for detail in batch.0.drain(..) {
                    at.1.call(&detail);
                }
                at.0 = partition + 1;
                moved.notify_all();
            },
        )?;
        Ok(())
    }
}

/// Differing calls of one partition.
#[derive(Default)]
struct Batch(Vec<CallDetail>);

impl DetailSink for Batch {
    fn call(&mut self, detail: &CallDetail) {
        self.0.push(detail.clone());
    }
}

/// Hands calls on, counts them and keeps the first ones.
struct Keeping<'a> {
    sink: &'a mut dyn DetailSink,
    kept: Vec<CallDetail>,
    most: usize,
    count: u64,
    sums: Option<Charging<'a>>,
}

impl DetailSink for Keeping<'_> {
    fn call(&mut self, detail: &CallDetail) {
        self.count += 1;
        if let Some(sums) = &mut self.sums {
            sums.call(detail);
        }
        if self.kept.len() < self.most {
            self.kept.push(detail.clone());
        }
        self.sink.call(detail);
    }
}

#[cfg(test)]
mod tests;
