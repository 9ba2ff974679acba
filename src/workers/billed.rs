//! Lays the records of a bill beside the calls that were heard in its time.
//!
//! Bounded: the latest calls of the party's trunks, gateways or its own, page by page, and of each file only the records
//! of their time. What fails here is said in the log and leaves the bill's own comparison as it is.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use linesman_cdr::Side;
use linesman_cdr::media::{Capture, Comparison, Heard, Limits, compare};
use linesman_reconcile::book::{self, Records};
use linesman_reconcile::{Input, Progress};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::bills::{Work, billed_rows};
use crate::diagnosis::billed::{BilledMedia, Telling};
use crate::inventory::{ElementKind, Inventory};
use crate::locale::Language;
use crate::privacy::{Personal, Sight, mask};
use crate::settings::{Settings, StoredCalls};
use crate::store::{CallCursor, CallFilter, Store, StoreError, StoredCall};
use crate::voice::billed::heard;
use crate::voice::call::identity;

/// Calls read at once.
const PAGE: u32 = 500;
/// Around the calls records are read too: clocks differ by so much, and zones that nobody named by more.
const CLOCKS_APART: TimeDelta = TimeDelta::hours(1);
const ZONES_APART: TimeDelta = TimeDelta::hours(16);
/// Records of one file that are compared.
const MOST_RECORDS: usize = 500_000;
/// Differences of each file that a ticket tells one by one; the report has all.
const MOST_TOLD: usize = 20;

/// What was heard in the time of a bill.
struct Ear {
    calls: Vec<Heard>,
    /// Call of the identity of each of its dialogs.
    by_identity: HashMap<String, usize>,
    capture: Capture,
    span_ms: [i64; 2],
}

/// Each file of the run beside what was heard; nothing where nothing was.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn beside(
    store: &Store,
    settings: &Settings,
    party: &str,
    work: &Work,
    period_ms: Option<[i64; 2]>,
    soft: &CancellationToken,
) -> Result<Vec<BilledMedia>, StoreError> {
    let most = settings.billing.heard_calls as usize;
    let Some(period) = period_ms.filter(|_| most > 0).and_then(|period| around(period, ZONES_APART)) else {
        return Ok(Vec::new());
    };
    let kept = kept(store, settings, party, period, most).await?;
    let Some(ear) = ear(kept, settings.voice.store == StoredCalls::All) else { return Ok(Vec::new()) };
    let files = [(Side::Ours, work.job.ours.clone()), (Side::Theirs, work.job.theirs.clone())];
    let (report, temporary) = (work.report.clone(), work.job.temporary.clone());
    let progress = Arc::new(Progress::default());
    let (reply, mut answer) = oneshot::channel();
    let seen = progress.clone();
    let thread = std::thread::Builder::new().name("billed".to_owned()).spawn(move || {
        if let Err(error) = rustix::process::nice(super::reconcile::NICE) {
            tracing::debug!(%error, "laying bills beside calls does not give way to the rest");
        }
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            files
                .iter()
                .filter_map(|(side, input)| told(*side, input, &ear, &report, temporary.as_deref(), &seen))
                .collect::<Vec<_>>()
        }));
        // Nobody waits any more when the process ends hard.
        let _ = reply.send(told.unwrap_or_default());
    });
    if let Err(error) = thread {
        tracing::warn!(%error, party, "the bill is not laid beside the calls that were heard");
        return Ok(Vec::new());
    }
    let told = tokio::select! {
        told = &mut answer => told,
        () = soft.cancelled() => {
            progress.cancel.store(true, Ordering::Relaxed);
            answer.await
        }
    };
    Ok(told.unwrap_or_default())
}

fn around([first, last]: [i64; 2], by: TimeDelta) -> Option<[DateTime<Utc>; 2]> {
    Some([
        DateTime::from_timestamp_millis(first)?.checked_sub_signed(by)?,
        DateTime::from_timestamp_millis(last)?.checked_add_signed(by)?,
    ])
}

/// Which calls are the party's: those of the trunk, gateway or customer of its name, or of the trunks of the carrier of
/// its name; none where the inventory knows no such party.
fn scopes(inventory: &Inventory, party: &str) -> Vec<CallFilter> {
    let wanted = party.to_lowercase();
    let is_party = |name: &str| name.to_lowercase() == wanted;
    let mut scopes = Vec::new();
    for element in inventory.elements() {
        let name = element.name.clone();
        let of_carrier = element.facts.carrier.as_deref().is_some_and(is_party);
        match element.kind {
            ElementKind::Trunk if of_carrier || is_party(&name) => {
                scopes.push(CallFilter { trunk: Some(name), ..CallFilter::default() });
            }
            ElementKind::Gateway if is_party(&name) => {
                scopes.push(CallFilter { gateway: Some(name), ..CallFilter::default() });
            }
            ElementKind::Customer if is_party(&name) => {
                scopes.push(CallFilter { customer: Some(name), ..CallFilter::default() });
            }
            _ => {}
        }
    }
    scopes
}

/// What a comparison needs of a kept call: its windows stay where they are.
struct Kept {
    id: String,
    also: BTreeSet<String>,
    started_at: DateTime<Utc>,
    heard: Heard,
}

/// The latest kept calls of a party, no more than asked for.
async fn kept(
    store: &Store,
    settings: &Settings,
    party: &str,
    [from, to]: [DateTime<Utc>; 2],
    most: usize,
) -> Result<Vec<Kept>, StoreError> {
    let mut scopes = scopes(&settings.inventory, party);
    // Of a party that the inventory does not know nobody can say which calls it should have billed.
    let is_known = !scopes.is_empty();
    if !is_known {
        scopes.push(CallFilter::default());
    }
    let country = &settings.privacy.country_code;
    let mut kept: Vec<Kept> = Vec::new();
    for scope in scopes {
        let filter = CallFilter { from: Some(from), to: Some(to), ..scope };
        let (mut after, mut of_scope) = (None, 0);
        while of_scope < most {
            let page = store.calls(&filter, country, after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            of_scope += page.len();
            after = page
                .last()
                .map(|last| CallCursor { started_at: last.call.started_at, id: last.call.id.clone() });
            // Media without signalling names nobody and no answer.
            let signalled = page.into_iter().filter(|stored| stored.call.call_id.is_some());
            kept.extend(signalled.map(|stored| Kept::of(stored, is_known)));
            if is_last {
                break;
            }
        }
        kept.sort_by(|one, other| (other.started_at, &other.id).cmp(&(one.started_at, &one.id)));
        kept.dedup_by(|one, other| one.id == other.id);
        kept.truncate(most);
    }
    Ok(kept)
}

impl Kept {
    fn of(stored: StoredCall, is_known: bool) -> Self {
        let StoredCall { call, from, to } = stored;
        let clear = |number: &Option<Personal>| number.as_ref().map(|number| number.in_clear().to_owned());
        let path = if is_known { place_of(&call) } else { call.id.clone() };
        let heard = heard(&call, clear(&from).as_deref(), clear(&to).as_deref(), Some(path));
        Self { id: call.id, also: call.also, started_at: call.started_at, heard }
    }
}

/// Kept calls as the comparison takes them. A call that was heard from its invitation to its end proves that somebody
/// listened all the while.
fn ear(kept: Vec<Kept>, holds_all: bool) -> Option<Ear> {
    let mut calls = Vec::with_capacity(kept.len());
    let mut by_identity = HashMap::new();
    for Kept { id, also, heard, .. } in kept {
        for id in also.into_iter().chain([id]) {
            by_identity.insert(id, calls.len());
        }
        calls.push(heard);
    }
    let whole = calls.iter().filter_map(|call: &Heard| Some([call.start_ms?, call.end_ms?]));
    let capture = Capture { holds_all, ..Capture::of(whole.collect()) };
    let first = calls.iter().filter_map(Heard::first_ms).min()?;
    let last = calls.iter().filter_map(|call| call.end_ms.or(call.start_ms)).max()?;
    Some(Ear { calls, by_identity, capture, span_ms: [first, last] })
}

fn place_of(call: &crate::voice::call::KeptCall) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    format!("{}|{}|{}", name(&call.trunk), name(&call.gateway), name(&call.customer))
}

/// One file beside the calls; its report is written, its masked telling handed back.
fn told(
    side: Side,
    input: &Input,
    ear: &Ear,
    report: &Path,
    temporary: Option<&Path>,
    progress: &Progress,
) -> Option<BilledMedia> {
    let span = |zone_known: bool| {
        let apart = if zone_known { CLOCKS_APART } else { ZONES_APART }.num_milliseconds();
        [ear.span_ms[0].saturating_sub(apart), ear.span_ms[1].saturating_add(apart)]
    };
    let records = match book::records(input, side, temporary, span, MOST_RECORDS, progress) {
        Ok(records) => records,
        Err(error) => {
            tracing::warn!(%error, side = ?side, "records are not laid beside the calls that were heard");
            return None;
        }
    };
    let mut calls = ear.calls.clone();
    // Of dialogs beyond the first only a digest is kept: a record that names one names the call.
    for id in records.calls.iter().filter_map(|billed| billed.call_id.as_ref()) {
        if let Some(call) = ear.by_identity.get(&identity(id)).and_then(|call| calls.get_mut(*call))
            && !call.call_ids.contains(id)
        {
            call.call_ids.push(id.clone());
        }
    }
    let comparison = compare(&records.book(), &calls, &ear.capture, &Limits::default());
    if let Err(error) = write(side, &comparison, &records, &calls, report) {
        tracing::warn!(%error, side = ?side, "the table of records beside heard calls is not written");
    }
    // What a ticket tells is read by more people than the report.
    let told =
        Telling { number: &masked, call_ids: [false; 2], ..telling(side, &records, &calls, MOST_TOLD) };
    Some(BilledMedia::of(&comparison, &told))
}

fn masked(number: &str) -> String {
    Personal::of(number).map(|number| mask::phone(&number, Sight::Masked)).unwrap_or_default()
}

/// With the numbers of the records as the bill has them; those of the calls are sealed where they are kept, and stay so.
fn telling<'a>(side: Side, records: &'a Records, calls: &'a [Heard], most: usize) -> Telling<'a> {
    Telling {
        side,
        book: records.book(),
        left_out: records.outside + records.beyond,
        heard: calls,
        number: &str::to_owned,
        heard_number: &masked,
        call_ids: [true, false],
        most,
    }
}

/// All differences, into the report, which has a guard of its own.
fn write(
    side: Side,
    comparison: &Comparison,
    records: &Records,
    calls: &[Heard],
    report: &Path,
) -> std::io::Result<()> {
    let whole = BilledMedia::of(comparison, &telling(side, records, calls, usize::MAX));
    for language in [Language::English, Language::Chinese] {
        let folder: PathBuf = report.join(language.tag());
        std::fs::create_dir_all(&folder)?;
        let name = |end: &str| folder.join(format!("heard-{}.{end}", whole.side));
        std::fs::write(name("csv"), billed_rows::csv(&whole, language))?;
        let document = billed_rows::document(&whole, language)?;
        std::fs::write(name("json"), serde_json::to_vec_pretty(&document)?)?;
    }
    Ok(())
}
