//! The parts of the page: volumes, causes with their evidence, what is left, what is asked.

use std::fmt::Write as _;

use linesman_cdr::format::Role;
use linesman_cdr::outcome::{CallDetail, Fault};
use linesman_cdr::record::Side;
use linesman_cdr::{Money, Record};

use super::super::calls;
use super::super::figures::{self, Breakdown, Sums, count, money, shown, signed};
use super::super::sentence;
use super::super::settings::settings;
use super::super::workings::Working;
use super::Page;
use super::markup::{Cell, Narrow, escape, grouped, table};

/// Rows of a table of sums.
const MOST_ROWS: usize = 15;
/// Days of a table of sums.
const MOST_DAYS: usize = 31;
/// Rejected lines of each side.
const MOST_REJECTED: usize = 5;

impl Page<'_> {
    fn heads(&self, words: &[&str], numbers: &[&str]) -> Vec<Cell> {
        let words = words.iter().map(|key| Cell::Text(self.language.word(key)));
        words.chain(numbers.iter().map(|key| Cell::Number(self.language.word(key)))).collect()
    }

    fn amount(&self, amount: Money) -> Cell {
        Cell::Number(shown(amount, self.decimals))
    }

    fn change(&self, amount: Money) -> Cell {
        Cell::Number(signed(amount, self.decimals))
    }

    pub(super) fn volumes(&mut self) {
        self.section("report.volumes");
        let outcome = &self.finished.outcome;
        let (totals, counts) = (&outcome.totals, &outcome.counts);
        let head = self.heads(
            &["column.side"],
            &[
                "summary.records",
                "column.minutes",
                "class.only",
                "class.duplicate",
                "class.part",
                "sheet.rejected",
                "summary.amount",
                "summary.difference_to_contract",
            ],
        );
        let number = |value: u64| Cell::Number(count(value));
        let row = |side: Side, numbers: [u64; 5], amount: &str, against: &str| {
            let mut row = vec![Cell::Text(self.side(side))];
            let [records, others @ ..] = numbers;
            let tally = &self.finished.inputs[side.index()].tally;
            let talk_ms = tally.talk_ms.saturating_sub(tally.outside_talk_ms);
            row.push(number(records));
            row.push(minutes(talk_ms));
            row.extend(others.map(number));
            row.push(self.amount(money(amount)));
            row.push(self.change(money(against)));
            row
        };
        let ours =
            [counts.ours, counts.only_ours, counts.duplicates_ours, counts.parts_ours, counts.rejected_ours];
        let theirs = [
            counts.theirs,
            counts.only_theirs,
            counts.duplicates_theirs,
            counts.parts_theirs,
            counts.rejected_theirs,
        ];
        let rows = vec![
            row(Side::Ours, ours, &totals.ours, &totals.ours_minus_correct),
            row(Side::Theirs, theirs, &totals.theirs, &totals.theirs_minus_correct),
        ];
        let text = table(&head, &rows, false, Narrow::Cards);
        self.push(&text);
        let said = self.language.say(
            "report.paired",
            &[("paired", &count(counts.paired)), ("differs", &count(counts.amount_differs))],
        );
        let _ = writeln!(self.text, "<p>{}</p>", escape(&said));
    }

    fn side(&self, side: Side) -> String {
        self.language.word(&format!("side.{}", sentence::tag(&side)))
    }

    pub(super) fn causes(&mut self) {
        self.section("report.causes");
        let (finished, overview) = (self.finished, self.overview);
        let outcome = &finished.outcome;
        if outcome.causes.is_empty() {
            let text = format!("<p>{}</p>", self.word("summary.no_causes"));
            self.push(&text);
            return;
        }
        self.sums_of_causes();
        let mut explained = false;
        for (place, cause) in outcome.causes.iter().enumerate() {
            let number = (place + 1).to_string();
            let title = self.language.say("report.cause_number", &[("number", &number)]);
            let kind = sentence::kind(cause.kind, self.language);
            let said = sentence::cause(cause, self.language);
            let _ = writeln!(
                self.text,
                "<article><h3>{}: {}</h3><p class=\"sentence\">{}</p><dl class=\"facts\">",
                escape(&title),
                escape(&kind),
                escape(&said)
            );
            let range = cause.range.each_ref().map(|share| signed(money(share), self.decimals));
            let range = if range[0] == range[1] {
                self.language.word("report.fixed")
            } else {
                self.language.say("report.range", &[("low", &range[0]), ("high", &range[1])])
            };
            let share = format!(
                "{} {} ({range})",
                signed(money(&cause.amount), self.decimals),
                finished.outcome.currency
            );
            let mut facts = vec![
                ("column.fault", sentence::fault(cause.at_fault, self.language)),
                ("report.share", share),
                ("column.calls", count(cause.calls)),
                ("column.selector", sentence::bound(cause, self.language)),
            ];
            let short = |text: &Option<String>| {
                text.as_deref().map(|text| sentence::shorthand(text, self.language)).unwrap_or_default()
            };
            facts.push(("column.contract", short(&cause.contract)));
            facts.push(("column.used", short(&cause.used)));
            facts.push(("column.examples", cause.examples.join(", ")));
            for (key, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
                let word = self.word(key);
                let _ = writeln!(self.text, "<dt>{word}</dt><dd>{}</dd>", escape(value));
            }
            self.push("</dl>");
            let examples = overview.examples.get(place).map_or(&[][..], Vec::as_slice);
            self.evidence(examples);
            // The step by step calculation of the dearest cause that can be shown on one call.
            if !explained {
                explained = examples.iter().any(|detail| self.calculation(detail));
            }
            self.push("</article>");
        }
    }

    fn sums_of_causes(&mut self) {
        let outcome = &self.finished.outcome;
        let head = self.heads(
            &["column.number", "column.cause", "column.selector", "column.fault"],
            &["column.calls", "column.amount"],
        );
        let mut rows = Vec::new();
        for (place, cause) in outcome.causes.iter().enumerate() {
            rows.push(vec![
                Cell::Text((place + 1).to_string()),
                Cell::Text(sentence::kind(cause.kind, self.language)),
                Cell::Words(sentence::bound(cause, self.language)),
                Cell::Text(sentence::fault(cause.at_fault, self.language)),
                Cell::Number(count(cause.calls)),
                self.change(money(&cause.amount)),
            ]);
        }
        let last = |key: &str, amount: Money| {
            let blank = || Cell::Text(String::new());
            vec![blank(), Cell::Text(self.language.word(key)), blank(), blank(), blank(), self.change(amount)]
        };
        rows.push(last("summary.unexplained", money(&outcome.unexplained)));
        rows.push(last("summary.difference", money(&outcome.totals.difference)));
        let text = table(&head, &rows, true, Narrow::Cards);
        self.push(&text);
    }

    /// Calls with both sides' values and the correct one; fields as the files have them.
    fn evidence(&mut self, details: &[CallDetail]) {
        if details.is_empty() {
            return;
        }
        let title = self.word("report.evidence");
        let _ = writeln!(self.text, "<h4>{title}</h4>");
        let head = self.heads(
            &[
                "column.side",
                "column.call_id",
                "column.start_raw",
                "column.start_utc",
                "column.caller",
                "column.callee",
                "column.gateway",
            ],
            &["column.talk", "column.billed", "column.amount", "column.against"],
        );
        let mut groups = Vec::new();
        for detail in details {
            let (correct, charged) = (figures::correct(detail), figures::charged(detail));
            let mut rows: Vec<Vec<Cell>> = Side::BOTH
                .into_iter()
                .filter_map(|side| {
                    let record = [&detail.ours, &detail.theirs][side.index()].as_ref()?;
                    Some(self.evidence_row(side, record, charged[side.index()], correct))
                })
                .collect();
            if let (Some(charge), Some(correct)) = (detail.correct, correct) {
                let mut row = vec![Cell::Text(self.language.word("report.correct_side"))];
                row.extend((0..6).map(|_| Cell::Text(String::new())));
                let working = self.view.working(detail);
                row.push(Cell::Number(working.map(|working| span(working.talk_ms)).unwrap_or_default()));
                row.push(Cell::Number(charge.billed_s.to_string()));
                row.push(self.amount(correct));
                row.push(Cell::Number(String::new()));
                rows.push(row);
            }
            groups.push((rows, correct.is_some()));
        }
        let text = grouped(&head, &groups);
        self.push(&text);
    }

    fn evidence_row(&self, side: Side, record: &Record, charged: Money, correct: Option<Money>) -> Vec<Cell> {
        let finished = self.finished;
        let fields = self.view.lines.fields(side, record.place).unwrap_or_default();
        let field = |role: Role| calls::raw(finished, &fields, side, role);
        let or = |text: String, other: String| if text.is_empty() { other } else { text };
        let names = &finished.names[side.index()];
        let billed = match record.billed_s {
            linesman_cdr::record::ABSENT_32 => String::new(),
            seconds => seconds.to_string(),
        };
        vec![
            Cell::Text(self.side(side)),
            Cell::Foreign(field(Role::CallId)),
            Cell::Moment(calls::raw_time(finished, &fields, side)),
            Cell::Moment(figures::instant(record.start_ms)),
            Cell::Phone(or(field(Role::Caller), figures::number(record.caller))),
            Cell::Phone(or(field(Role::Callee), figures::number(record.callee))),
            Cell::Foreign(figures::name(&names.gateways, record.gateway).to_owned()),
            Cell::Number(span(record.talk_ms)),
            Cell::Number(billed),
            self.amount(charged),
            correct.map_or_else(|| Cell::Number(String::new()), |correct| self.change(charged - correct)),
        ]
    }

    /// The calculation of one call, where it can be followed; says whether it was shown.
    fn calculation(&mut self, detail: &CallDetail) -> bool {
        let Some(working) = self.view.working(detail).filter(Working::is_charged) else { return false };
        let Some(rater) = self.view.rater else { return false };
        let Some(record) = figures::either(detail) else { return false };
        let title = self.word("report.calculation");
        let of = self.language.say(
            "report.calculation_of",
            &[
                ("start", &figures::instant(record.start_ms)),
                ("caller", &figures::number(record.caller)),
                ("callee", &figures::number(record.callee)),
            ],
        );
        let _ = writeln!(self.text, "<h4>{title}</h4><p>{}</p><ol class=\"steps\">", escape(&of));
        for step in working.steps(detail, rater, self.finished, self.language) {
            let _ = writeln!(self.text, "<li>{}</li>", escape(&step));
        }
        self.push("</ol>");
        true
    }

    pub(super) fn unexplained(&mut self) {
        let outcome = &self.finished.outcome;
        if figures::agrees(outcome) {
            return;
        }
        self.section("report.unexplained");
        let unexplained = money(&outcome.unexplained);
        let amount = signed(unexplained, self.decimals);
        let (key, class) = if unexplained.0 == 0 {
            ("summary.nothing_unexplained", "good")
        } else {
            ("summary.something_unexplained", "bad")
        };
        let said = self.language.say(key, &[("amount", &amount), ("currency", &outcome.currency)]);
        let _ = writeln!(self.text, "<p class=\"{class}\">{}</p>", escape(&said));
        let overview = self.overview;
        self.evidence(&overview.unexplained);
    }

    pub(super) fn where_and_when(&mut self) {
        let breakdown = &self.overview.breakdown;
        if breakdown.days.is_empty() {
            return;
        }
        let word = |key: &str| self.language.word(key);
        let destinations: Vec<(String, Sums)> = Breakdown::dearest(&breakdown.destinations)
            .into_iter()
            .map(|((name, prefix), sums)| match (name.as_str(), prefix.as_str()) {
                (_, "") => (word("sheets.no_destination"), *sums),
                ("", prefix) => (prefix.to_owned(), *sums),
                (name, prefix) => (format!("{name} ({prefix})"), *sums),
            })
            .collect();
        let days: Vec<(String, Sums)> =
            breakdown.days.iter().map(|(day, sums)| (day.clone(), *sums)).collect();
        self.section("report.by_destination");
        let note = self.word(breakdown.of_which());
        let _ = writeln!(self.text, "<p class=\"sub\">{note}</p>");
        self.sums("column.destination", &destinations, MOST_ROWS);
        if days.len() > 1 {
            self.section("report.by_day");
            self.sums("column.day", &days, MOST_DAYS);
        }
    }

    fn sums(&mut self, key: &str, rows: &[(String, Sums)], most: usize) {
        let head = self.heads(
            &[key],
            &[
                "column.calls_ours",
                "column.calls_theirs",
                "column.minutes_ours",
                "column.minutes_theirs",
                "column.amount_ours",
                "column.amount_theirs",
                "column.amount_correct",
                "column.difference",
            ],
        );
        let shown_rows: Vec<Vec<Cell>> = rows
            .iter()
            .take(most)
            .map(|(name, sums)| {
                vec![
                    Cell::Words(name.clone()),
                    Cell::Number(count(sums.calls[0])),
                    Cell::Number(count(sums.calls[1])),
                    minutes(sums.talk_ms[0]),
                    minutes(sums.talk_ms[1]),
                    self.amount(sums.amount[0]),
                    self.amount(sums.amount[1]),
                    self.amount(sums.correct),
                    self.change(sums.difference()),
                ]
            })
            .collect();
        let text = table(&head, &shown_rows, false, Narrow::Scrolls);
        self.push(&text);
        self.more(rows.len().saturating_sub(most) as u64);
    }

    fn more(&mut self, more: u64) {
        if more > 0 {
            let said = self.language.say("report.more_rows", &[("more", &count(more))]);
            let _ = writeln!(self.text, "<p class=\"sub\">{}</p>", escape(&said));
        }
    }

    pub(super) fn action(&mut self) {
        self.section("report.action");
        let outcome = &self.finished.outcome;
        let [ours, theirs] = [&outcome.totals.ours_minus_correct, &outcome.totals.theirs_minus_correct]
            .map(|text| money(text));
        let (key, amount) = match outcome.verdict {
            _ if figures::agrees(outcome) => ("report.action_none", Money::ZERO),
            Fault::Theirs if theirs.0 < 0 => ("report.action_theirs_more", theirs),
            Fault::Theirs => ("report.action_theirs", theirs),
            Fault::Ours => ("report.action_ours", -ours),
            Fault::Both => ("report.action_both", money(&outcome.totals.correct)),
            Fault::None => ("report.action_none", Money::ZERO),
            Fault::Undecided => ("report.action_undecided", Money::ZERO),
        };
        let amount = match outcome.verdict {
            Fault::Ours => signed(amount, self.decimals),
            _ => shown(amount.abs(), self.decimals),
        };
        let said = self.language.say(key, &[("amount", &amount), ("currency", &outcome.currency)]);
        let _ = writeln!(self.text, "<p class=\"action\">{}</p>", escape(&said));
    }

    pub(super) fn findings(&mut self) {
        let findings = &self.finished.outcome.findings;
        if findings.is_empty() {
            return;
        }
        self.section("report.findings");
        let items: String = findings
            .iter()
            .map(|finding| format!("<li>{}</li>", escape(&sentence::finding(finding, self.language))))
            .collect();
        let _ = writeln!(self.text, "<ul>{items}</ul>");
    }

    pub(super) fn rejected(&mut self) {
        let finished = self.finished;
        let counts = [finished.outcome.counts.rejected_ours, finished.outcome.counts.rejected_theirs];
        if counts == [0, 0] {
            return;
        }
        self.section("report.rejected");
        let head =
            self.heads(&["column.side", "column.line", "column.column", "column.reason", "column.text"], &[]);
        let mut rows = Vec::new();
        for side in Side::BOTH {
            for rejection in finished.rejections[side.index()].iter().take(MOST_REJECTED) {
                rows.push(vec![
                    Cell::Text(self.side(side)),
                    Cell::Number(rejection.line.to_string()),
                    Cell::Number(rejection.column.map(|column| column.to_string()).unwrap_or_default()),
                    Cell::Words(sentence::reason(rejection, self.language).to_owned()),
                    Cell::Words(rejection.text.clone()),
                ]);
            }
        }
        let left = (counts[0] + counts[1]).saturating_sub(rows.len() as u64);
        let text = table(&head, &rows, false, Narrow::Cards);
        self.push(&text);
        self.more(left);
    }

    pub(super) fn method(&mut self) {
        self.section("report.method");
        let text = self.word("report.method_text");
        let _ = writeln!(self.text, "<p>{text}</p>");
        let head = self.heads(&["column.setting", "column.value"], &[]);
        let rows: Vec<Vec<Cell>> = settings(self.finished, self.language)
            .into_iter()
            .map(|(name, value)| vec![Cell::Text(name), Cell::Words(value)])
            .collect();
        let text = table(&head, &rows, false, Narrow::List);
        self.push(&text);
    }
}

/// Milliseconds as seconds.
fn span(ms: u32) -> String {
    Money(i128::from(ms) * 1_000_000).show(0)
}

/// Milliseconds as minutes.
fn minutes(ms: u64) -> Cell {
    Cell::Number(shown(Money(i128::from(ms / 60) * 1_000_000), 3))
}
