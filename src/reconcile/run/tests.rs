//! Whole runs on small files whose truth is known.

use super::*;
use crate::job::Input;
use linesman_cdr::generate::{Plan as Pair, write};
use linesman_cdr::outcome::CauseKind;

struct Nowhere;

impl DetailSink for Nowhere {
    fn call(&mut self, _: &CallDetail) {}
}

const HEADER: &str = "id,caller,callee,start,duration,billed,rate,amount,gateway\n";

/// A call of ours and theirs: theirs are three seconds ahead and bill whole minutes to 8618.
fn line(call: u64, theirs: bool) -> String {
    let (prefix, other) = if call.is_multiple_of(9) { (8618, true) } else { (8613, false) };
    let mixed = call.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let talk = mixed % 200;
    let block = if other && theirs { 60 } else { 6 };
    let billed = talk.div_ceil(block) * block;
    let second = call * 7 + if theirs { 3 } else { 0 };
    let amount = billed * 3000 / 60; // 0.0300 a minute, in hundred-thousandths
    format!(
        "{}{call},8520{:07},{prefix}{:09},2026-05-{:02} {:02}:{:02}:{:02},{talk},{billed},0.0300,{}.{:05},gw{}\n",
        if theirs { "t" } else { "c" },
        mixed % 977 + 1_000_000,
        mixed % 131_071 + 100_000_000,
        second / 86_400 + 1,
        second / 3600 % 24,
        second / 60 % 60,
        second % 60,
        amount / 100_000,
        amount % 100_000,
        call % 5 + 1,
    )
}

/// Files of so many calls; each 500th is not in theirs, each 700th not in ours, each 900th twice in
/// theirs; line 41 of ours is none.
fn job(folder: &Path, calls: u64) -> Job {
    let mut ours = HEADER.to_owned();
    let mut theirs = HEADER.to_owned();
    for call in 0..calls {
        if call == 40 {
            ours += "this is no record\n";
        }
        if call % 700 != 1 {
            ours += &line(call, false);
        }
        if call % 500 != 2 {
            theirs += &line(call, true);
        }
        if call % 900 == 3 {
            theirs += &line(call, true);
        }
    }
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let deck = "prefix,destination,rate_per_min,initial_sec,increment_sec,connect_fee,currency\n\
                8613,A,0.0300,6,6,0,USD\n8618,B,0.0300,6,6,0,USD\n";
    let input = |path| Input { path, ..Input::default() };
    let temporary = folder.join("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    Job {
        ours: input(write("ours.csv", &ours)),
        theirs: input(write("theirs.csv", &theirs)),
        rates: write("deck.csv", deck),
        contract: None,
        threads: 1,
        memory: 256 << 20,
        temporary: Some(temporary),
        hash: false,
        period: None,
        sums: true,
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder.join("temporary")).unwrap().next().is_none()
}

/// Everything of an answer that must not depend on how the work was cut up.
fn said(finished: &Finished) -> String {
    let mut details: Vec<String> = finished.details.iter().map(|detail| format!("{detail:?}")).collect();
    details.sort_unstable();
    format!(
        "{}\n{:?}\n{:?}\n{}\n{}",
        serde_json::to_string_pretty(&finished.outcome).unwrap(),
        finished.names,
        finished.rejections,
        finished.detail_count,
        details.join("\n"),
    )
}

#[test]
fn a_run_finds_what_was_put_in_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let progress = Progress::default();
    let finished = run(&job(folder.path(), 6300), &progress, &mut Nowhere).unwrap();
    let counts = &finished.outcome.counts;
    assert_eq!(counts.ours, 6300 - 9);
    assert_eq!((counts.only_ours, counts.only_theirs), (13, 9));
    assert_eq!((counts.duplicates_ours, counts.duplicates_theirs), (0, 7));
    assert_eq!((counts.rejected_ours, counts.rejected_theirs), (1, 0));
    assert_eq!(finished.rejections[0][0].line, 41);
    for (tally, records) in
        [(&finished.inputs[0].tally, counts.ours), (&finished.inputs[1].tally, counts.theirs)]
    {
        assert_eq!(tally.records, records);
        assert_eq!(tally.lines, tally.records + tally.rejected + tally.skipped + tally.bare);
    }
    let increment: Vec<_> =
        finished.outcome.causes.iter().filter(|cause| cause.kind == CauseKind::Increment).collect();
    assert_eq!(increment.len(), 1, "{:?}", finished.outcome.causes);
    assert_eq!(increment[0].selector.prefix.as_deref(), Some("8618"));
    assert_eq!(finished.outcome.unexplained, "0");
    assert!(
        increment[0].examples[0].starts_with('c'),
        "the file's own identity: {:?}",
        increment[0].examples
    );
    assert_eq!(progress.paired.load(Ordering::Relaxed), progress.partitions.load(Ordering::Relaxed));
    assert!(is_empty(folder.path()));
}

#[test]
fn threads_pieces_partitions_and_spilling_do_not_change_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), 6300);
    let by =
        |replan: fn(Plan) -> Plan| said(&run_by(&job, &Progress::default(), &mut Nowhere, replan).unwrap());
    let plain = by(|plan| plan);
    let cuts: [fn(Plan) -> Plan; 5] = [
        |plan| Plan { threads: 4, partitions: 64, ..plan },
        |plan| Plan { piece: 4096, threads: 3, ..plan },
        |plan| Plan { held: 0, partitions: 8, ..plan },
        |plan| Plan { held: 100_000, partitions: 16, threads: 2, piece: 10_000, ..plan },
        |plan| Plan { threads: 2, partitions: 128, held: 0, piece: 5000, ..plan },
    ];
    for (number, cut) in cuts.into_iter().enumerate() {
        assert!(by(cut) == plain, "cut {number}");
    }
}

#[test]
fn what_does_not_fit_into_the_ledger_is_attributed_in_a_second_pass() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), 6300);
    let by = |replan: fn(Plan) -> Plan| run_by(&job, &Progress::default(), &mut Nowhere, replan).unwrap();
    let whole = by(|plan| plan);
    let counted = by(|plan| Plan { ledger: 200_000, threads: 3, partitions: 16, ..plan });
    assert_eq!(counted.outcome.counts, whole.outcome.counts);
    assert_eq!(counted.outcome.totals, whole.outcome.totals);
    assert_eq!(counted.detail_count, whole.detail_count);
    let again = by(|plan| Plan { ledger: 200_000, threads: 1, partitions: 64, ..plan });
    assert_eq!(
        serde_json::to_value(&again.outcome).unwrap(),
        serde_json::to_value(&counted.outcome).unwrap(),
        "what the ledger keeps does not depend on threads and partitions"
    );
}

#[test]
fn a_run_that_is_told_to_stop_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let progress = Progress::default();
    progress.cancel.store(true, Ordering::Relaxed);
    let ended = run(&job(folder.path(), 700), &progress, &mut Nowhere);
    assert!(matches!(ended, Err(ReconcileError::Cancelled)));
    assert!(is_empty(folder.path()));
}

#[test]
fn a_run_that_is_told_to_stop_in_its_middle_leaves_nothing_behind() {
    struct Stopper<'a>(&'a Progress);
    impl DetailSink for Stopper<'_> {
        fn call(&mut self, _: &CallDetail) {
            self.0.cancel.store(true, Ordering::Relaxed);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let progress = Progress::default();
    let job = job(folder.path(), 6300);
    let spilling = |plan: Plan| Plan { held: 0, ledger: 200_000, threads: 2, partitions: 32, ..plan };
    let ended = run_by(&job, &progress, &mut Stopper(&progress), spilling);
    assert!(matches!(ended, Err(ReconcileError::Cancelled)));
    assert!(is_empty(folder.path()));
}

#[test]
fn an_error_names_the_file_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path(), 700);
    job.rates = folder.path().join("missing.csv");
    let Err(error) = run(&job, &Progress::default(), &mut Nowhere) else { panic!("there is no deck") };
    assert!(error.to_string().contains("missing.csv"), "{error}");
    assert!(is_empty(folder.path()));
}

#[test]
fn a_zone_that_a_cause_depends_on_and_nothing_tells_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path(), 3000);
    // Both files go on with the old price when the new one begins, two hours after the first call.
    let deck = "prefix,rate_per_min,initial_sec,increment_sec,effective_from,effective_to\n\
                8613,0.0300,6,6,,2026-05-01T02:00:00Z\n8613,0.0500,6,6,2026-05-01T02:00:00Z,\n\
                8618,0.0300,6,6,,\n";
    std::fs::write(&job.rates, deck).unwrap();
    let stale = |finished: &Finished| {
        let causes = finished.outcome.causes.iter();
        causes.filter(|cause| cause.kind == CauseKind::StaleRate).map(|cause| cause.calls).collect::<Vec<_>>()
    };
    let Err(error) = run(&job, &Progress::default(), &mut Nowhere) else { panic!("nothing tells the zone") };
    assert!(matches!(error, ReconcileError::ZoneOpen { side: Side::Ours, .. }), "{error}");
    assert!(
        error.to_string().contains("ours.csv") && error.to_string().contains("--ours-zone +08:00"),
        "{error}"
    );
    assert!(is_empty(folder.path()));
    job.ours.hints = vec![("zone".to_owned(), "UTC".to_owned())];
    let in_utc = stale(&run(&job, &Progress::default(), &mut Nowhere).unwrap());
    assert_eq!(in_utc.len(), 2, "one of each side");
    // Eight hours east all calls are of the day before.
    job.ours.hints = vec![("zone".to_owned(), "+08:00".to_owned())];
    assert!(stale(&run(&job, &Progress::default(), &mut Nowhere).unwrap()).is_empty());
    // Where a price does not depend on it, nothing is asked.
    job.ours.hints.clear();
    std::fs::write(&job.rates, deck.replace("2026-05-01T02", "2026-01-01T02")).unwrap();
    assert_eq!(stale(&run(&job, &Progress::default(), &mut Nowhere).unwrap()).len(), 2);
}

#[test]
fn a_period_takes_whole_calls_and_counts_the_others_apart() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path(), 6300);
    let begin = 1_777_593_600_000; // 2026-05-01
    job.period = Some([begin + 7_000_000, begin + 14_000_000]);
    let finished = run(&job, &Progress::default(), &mut Nowhere).unwrap();
    let counts = &finished.outcome.counts;
    assert_eq!((counts.ours, counts.theirs), (999, 999));
    assert_eq!((counts.paired, counts.only_ours, counts.only_theirs), (997, 2, 1));
    assert_eq!(counts.duplicates_theirs, 1);
    for (tally, inside, outside) in [
        (&finished.inputs[0].tally, counts.ours, counts.outside_ours),
        (&finished.inputs[1].tally, counts.theirs, counts.outside_theirs),
    ] {
        assert_eq!(tally.records, inside + outside);
        assert_eq!(tally.outside, outside);
        assert!(tally.outside_amount.0 > 0 && tally.outside_amount.0 < tally.amount.0);
    }
    assert_eq!(finished.outcome.unexplained, "0");
}

/// Our file in some form, with its one bad line, and the line that it must be told as.
fn forms() -> Vec<(&'static str, Vec<u8>, u64)> {
    use std::io::Write as _;
    let calls: Vec<String> = (0..200).map(|call| line(call, false)).collect();
    let mut text = HEADER.to_owned();
    for (call, line) in calls.iter().enumerate() {
        match call {
            10 => text += &line.replace(",gw", ",\"gw\n").replace('\n', "\"\n").replacen("\"\n", "\n", 1),
            40 => text = text + "this is no record\n" + line,
            _ => text += line,
        }
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    let wide: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let preamble = format!("# export\n\n{text}");
    let objects: Vec<String> = calls
        .iter()
        .map(|line| {
            let fields: serde_json::Map<String, serde_json::Value> = HEADER
                .trim()
                .split(',')
                .map(str::to_owned)
                .zip(line.trim().split(',').map(Into::into))
                .collect();
            serde_json::Value::Object(fields).to_string()
        })
        .collect();
    let with = |bad: &str| {
        let mut all = objects.clone();
        all.insert(40, bad.to_owned());
        all
    };
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "Statement").unwrap();
    let rows = std::iter::once(HEADER).chain(calls.iter().map(String::as_str));
    for (row, line) in rows.enumerate() {
        // Title, an empty row, the header; the bad row stands where call 40 would.
        let row = u32::try_from(row).unwrap() + 2 + u32::from(row > 40);
        for (column, field) in line.trim().split(',').enumerate() {
            sheet.write(row, u16::try_from(column).unwrap(), field).unwrap();
        }
    }
    sheet.write(43, 0, "this is no record").unwrap();
    vec![
        ("csv", text.clone().into_bytes(), 43),
        ("csv.gz", packed.finish().unwrap(), 43),
        ("txt", wide, 43),
        ("log", preamble.into_bytes(), 45),
        ("jsonl", (with("no object").join("\n") + "\n").into_bytes(), 41),
        ("json", format!("[{}]", with("{\"id\":\"bad\"}").join(",\n")).into_bytes(), 41),
        ("xlsx", book.save_to_buffer().unwrap(), 44),
    ]
}

#[test]
fn a_rejected_line_is_told_as_the_line_row_or_record_of_the_users_own_file() {
    for (end, bytes, line) in forms() {
        let folder = tempfile::tempdir().unwrap();
        let mut job = job(folder.path(), 200);
        job.ours.path = folder.path().join(format!("records.{end}"));
        std::fs::write(&job.ours.path, bytes).unwrap();
        let finished = run(&job, &Progress::default(), &mut Nowhere).unwrap();
        let lines: Vec<u64> = finished.rejections[0].iter().map(|rejection| rejection.line).collect();
        assert_eq!(lines, [line], "{end}: {:?}", finished.rejections[0]);
        assert_eq!(finished.outcome.counts.rejected_ours, 1, "{end}");
        assert_eq!(finished.outcome.counts.ours, 200, "{end}");
    }
}

/// Sums by row, day and gateway each come to this.
fn summed(finished: &Finished) -> [crate::sums::Sums; 3] {
    let sums = finished.sums.as_ref().expect("asked for");
    let destinations: Vec<_> = sums.destinations(&finished.deck).into_values().collect();
    let days: Vec<_> = sums.days().map(|(_, sums)| *sums).collect();
    let gateways: Vec<_> = sums.gateways(&finished.names).into_values().collect();
    [destinations, days, gateways].map(|all| {
        let mut total = crate::sums::Sums::default();
        all.iter().for_each(|one| total.add(one));
        total
    })
}

/// Sums and totals are the same money, and as many calls.
fn sums_are_the_totals(finished: &Finished, about: &str) {
    let totals = &finished.outcome.totals;
    let money = |text: &str| linesman_cdr::Money::parse(text).unwrap();
    for total in summed(finished) {
        assert_eq!(total.amount, [money(&totals.ours), money(&totals.theirs)], "{about}");
        assert_eq!(total.correct, money(&totals.correct), "{about}");
        assert_eq!(total.difference(), money(&totals.difference), "{about}");
    }
}

/// A generated pair of files in place of those of `plain`.
fn generated(plan: &Pair, folder: &Path, plain: &Job) -> Job {
    let (rates, contract) = plan.agreement().expect("a plan");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    write(plan, &mut ours, &mut theirs).expect("written");
    let write = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let input = |path| Input { path, ..Input::default() };
    Job {
        ours: input(write("o.csv", &ours)),
        theirs: input(write("t.csv", &theirs)),
        rates: write("r.csv", rates.as_bytes()),
        contract: Some(write("c.toml", contract.as_bytes())),
        ..plain.clone()
    }
}

#[test]
fn sums_over_all_calls_are_the_totals_whatever_deviates_and_however_it_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let plain = job(folder.path(), 6300);
    for (about, ledger, threads) in [("kept", 200 << 20, 1), ("second pass", 200_000, 3)] {
        let cut = |plan: Plan| Plan { ledger, threads, partitions: 16, ..plan };
        let finished = run_by(&plain, &Progress::default(), &mut Nowhere, cut).unwrap();
        sums_are_the_totals(&finished, about);
        let [total, ..] = summed(&finished);
        assert_eq!(total.calls, [finished.outcome.counts.ours, finished.outcome.counts.theirs], "{about}");
        let talk = |side: usize| finished.inputs[side].tally.talk_ms;
        assert_eq!(total.talk_ms, [talk(0), talk(1)], "{about}");
    }
    let causes = [
        "",
        "increment@theirs:prefix=8613,used=60/60",
        "duplicate_records@theirs",
        "partial_records@theirs:share=0.05",
        "partial_records_recharged@ours:share=0.05",
        "partial_records@theirs partial_records_recharged@ours",
        "missing_records@ours:gateway=gw2 stale_rate@theirs hung_call@theirs",
        "connect_fee_added@ours wrong_prefix@theirs period_cutoff@theirs",
        "rounding_decimals@theirs unrated@ours:share=0.02 ring_time_billed@theirs",
    ];
    for (seed, all) in (11..).zip(causes) {
        let mut plan = Pair::new(seed, 3000);
        plan.causes = all.split_whitespace().map(|cause| cause.parse().expect("a cause")).collect();
        let job = generated(&plan, folder.path(), &plain);
        let finished = run(&job, &Progress::default(), &mut Nowhere).unwrap();
        sums_are_the_totals(&finished, all);
    }
}

#[test]
fn a_run_without_a_report_takes_no_sums() {
    let folder = tempfile::tempdir().unwrap();
    let job = Job { sums: false, ..job(folder.path(), 700) };
    assert!(run(&job, &Progress::default(), &mut Nowhere).unwrap().sums.is_none());
}

#[test]
fn a_call_whose_line_the_other_side_cannot_be_read_on_is_not_said_to_be_missing_there() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), 3_000);
    let mut damaged = 0;
    let text = std::fs::read_to_string(&job.theirs.path).unwrap();
    let text: String = text
        .split_inclusive('\n')
        .enumerate()
        .map(|(at, line)| {
            if at % 400 != 7 {
                return line.to_owned();
            }
            damaged += 1;
            line.replacen("2026-05-", "on the day ", 1)
        })
        .collect();
    std::fs::write(&job.theirs.path, text).unwrap();
    let done = run(&job, &Progress::default(), &mut Nowhere).unwrap();
    assert_eq!(done.outcome.counts.rejected_theirs, damaged);
    assert_eq!(done.outcome.counts.only_ours, 6 + damaged);
    let missing = done.outcome.causes.iter().find(|cause| {
        cause.kind == CauseKind::MissingRecords && cause.at_fault == linesman_cdr::outcome::Fault::Theirs
    });
    assert_eq!(missing.map(|cause| cause.calls), Some(6), "{:?}", done.outcome.causes);
}
