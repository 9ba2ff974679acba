//! Files of every packing and encoding, as users have them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use linesman_cdr::format::{Role, RowReader};
use linesman_cdr::{Number, Record};
use tempfile::TempDir;

use super::*;

const START: i64 = 1_775_174_403_000;

fn csv() -> String {
    let rows = (0..20).map(|at| {
        format!(
            "c{at},8523100000{},861380000{:04},2026-04-03 00:{at:02}:03,{},0.{at:02}5\n",
            at % 10,
            at + 1,
            60 + at
        )
    });
    std::iter::once("call_id,caller,callee,start_time,duration,amount\n".to_owned()).chain(rows).collect()
}

fn chinese() -> String {
    csv().replacen(
        "call_id,caller,callee,start_time,duration,amount",
        "话单流水号,主叫号码,被叫号码,开始时间,通话时长(秒),费用(元)",
        1,
    )
}

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Input {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        Input { path, format: None, hints: Vec::new() }
    }

    fn open(&self, input: &Input) -> Result<Source, SourceError> {
        Source::open(input, Side::Ours, self.folder.path())
    }

    fn read(&self, input: &Input) -> (Source, Vec<Record>) {
        let source = self.open(input).expect("opened");
        let text = std::fs::read(source.path()).expect("its text");
        let parsed = RowReader::new(source.layout()).expect("readable").read(&text, 0);
        assert!(parsed.rejections.is_empty(), "{:?}", parsed.rejections);
        (source, parsed.records)
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(bytes).expect("packed");
    out.finish().expect("packed")
}

fn utf16(text: &str, little: bool, bom: bool) -> Vec<u8> {
    let bom = bom.then_some(0xfeff_u16);
    let units = bom.into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

/// Digits and the signs between them as a Chinese input method writes them.
fn wide(text: &str) -> String {
    let (header, rows) = text.split_once('\n').expect("a header");
    let rows: String = rows
        .chars()
        .map(|sign| match sign {
            '0'..='9' | ':' | '-' | '.' => char::from_u32(u32::from(sign) + 0xfee0).unwrap_or(sign),
            other => other,
        })
        .collect();
    format!("{header}\n{rows}")
}

fn cells(line: &str, open: &str, close: &str) -> String {
    line.split(',').map(|cell| format!("{open}{cell}{close}")).collect()
}

/// A page with a table, as web portals name `.xls`.
fn page(text: &str) -> String {
    let rows: String =
        text.lines().map(|line| format!("<TR>{}</TR>\n", cells(line, "<td align=right>", "</td>"))).collect();
    format!("<html><head><title>Calls &amp; more</title></head><body><table>{rows}</table></body></html>")
}

/// A spreadsheet's own XML.
fn spreadsheet_xml(text: &str) -> String {
    let cell = "<Cell><Data ss:Type=\"String\">";
    let rows: String =
        text.lines().map(|line| format!("<Row>{}</Row>", cells(line, cell, "</Data></Cell>"))).collect();
    format!("<?xml version=\"1.0\"?>\n<Workbook><Worksheet><Table>{rows}</Table></Worksheet></Workbook>")
}

/// An element for each call, with an element for each field.
fn xml_records(text: &str) -> String {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let record = |line: &str| -> String {
        let fields =
            names.iter().zip(line.split(',')).map(|(name, value)| format!("<{name}>{value}</{name}>"));
        format!("<cdr><module>{}</module></cdr>\n", fields.collect::<String>())
    };
    format!(
        "<?xml version=\"1.0\"?>\n<!-- a > b -->\n<cdrs>{}</cdrs>\n",
        lines.map(record).collect::<String>()
    )
}

fn assert_same(records: &[Record], name: &str) {
    assert_eq!(records.len(), 20, "{name}");
    assert_eq!(records[0].callee, Number::of("8613800000001"), "{name}");
    assert_eq!(
        (records[0].start_ms, records[0].talk_ms, records[0].amount),
        (START, 60_000, 5_000_000),
        "{name}"
    );
    assert_eq!(records[19].callee, Number::of("8613800000020"), "{name}");
}

#[test]
fn the_same_records_are_read_from_every_packing_and_encoding() {
    let bench = Bench::new();
    let (plain, gbk) = (csv(), encoding_rs::GB18030.encode(&chinese()).0.into_owned());
    let half = plain.len() / 2;
    let members = [gzipped(&plain.as_bytes()[..half]), gzipped(&plain.as_bytes()[half..])].concat();
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("plain.csv", plain.clone().into_bytes()),
        ("bom.csv", format!("\u{feff}{plain}").into_bytes()),
        ("windows.csv", plain.replace('\n', "\r\n").into_bytes()),
        ("mac.csv", plain.replace('\n', "\r").into_bytes()),
        ("packed.csv.gz", gzipped(plain.as_bytes())),
        ("members.gz", members),
        ("chinese.csv", chinese().into_bytes()),
        ("gbk.csv", gbk.clone()),
        ("gbk.csv.gz", gzipped(&gbk)),
        (
            "big5.csv",
            encoding_rs::BIG5
                .encode(&chinese().replace(
                    "话单流水号,主叫号码,被叫号码,开始时间,通话时长(秒),费用(元)",
                    "流水號,主叫號碼,被叫號碼,開始時間,通話時長(秒),費用(元)",
                ))
                .0
                .into_owned(),
        ),
        ("utf16le_bom.txt", utf16(&chinese(), true, true)),
        ("utf16be_bom.txt", utf16(&plain.replace(',', "\t"), false, true)),
        ("utf16le.txt", utf16(&chinese(), true, false)),
        ("utf16be.txt", utf16(&plain, false, false)),
        ("utf16.csv.gz", gzipped(&utf16(&chinese(), true, true))),
        ("padded.csv.gz", [gzipped(plain.as_bytes()), vec![0; 512]].concat()),
        ("wide.csv", wide(&chinese()).into_bytes()),
        ("wide_gbk.csv", encoding_rs::GB18030.encode(&wide(&chinese())).0.into_owned()),
        ("zeros.csv", plain.replace('\n', "\0\n").into_bytes()),
        ("page.xls", page(&plain).into_bytes()),
        ("spreadsheet.xml", spreadsheet_xml(&plain).into_bytes()),
        ("records.xml", xml_records(&plain).into_bytes()),
    ];
    for (name, bytes) in files {
        let input = bench.file(name, &bytes);
        let (source, records) = bench.read(&input);
        assert_same(&records, name);
        assert_eq!(source.bytes(), bytes.len() as u64, "{name}");
        let in_place = ["plain.csv", "bom.csv", "windows.csv", "chinese.csv"].contains(&name);
        assert_eq!(source.path() == input.path, in_place, "{name}");
        let text = source.path().to_owned();
        drop(source);
        assert_eq!(text.exists(), in_place, "the temporary text of {name} is removed");
    }
}

#[test]
fn a_workbook_gives_its_table_wherever_it_stands_with_every_digit() {
    use rust_xlsxwriter::{Format, Workbook};
    let bench = Bench::new();
    let mut book = Workbook::new();
    let cover = book.add_worksheet();
    cover.write(0, 0, "Summary of April").expect("a cell");
    cover.write(3, 1, "Total").expect("a cell");
    let sheet = book.add_worksheet().set_name("Calls").expect("a name");
    sheet.write(0, 0, "Export").expect("a cell");
    for (column, name) in
        ["Call ID", "Caller", "Callee", "Start Time", "Duration", "Billed duration", "Amount"]
            .iter()
            .enumerate()
    {
        sheet.write(2, u16::try_from(column).expect("few"), *name).expect("a cell");
    }
    let (stamp, clock) =
        (Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"), Format::new().set_num_format("[h]:mm:ss"));
    for at in 0..20_u32 {
        let (row, number) = (at + 3, f64::from(at));
        sheet.write(row, 0, format!("c{at}, \"x\"")).expect("a cell");
        sheet.write(row, 1, 85_231_000_000.0 + number).expect("a cell");
        sheet.write(row, 2, 8_613_800_000_001.0 + number).expect("a cell");
        sheet.write_with_format(row, 3, 46_115.0 + (3.0 + number * 60.0) / 86_400.0, &stamp).expect("a cell");
        sheet.write(row, 4, 60.0 + number).expect("a cell");
        sheet.write_with_format(row, 5, 120.0 / 86_400.0, &clock).expect("a cell");
        sheet.write(row, 6, 0.005 + number / 100.0).expect("a cell");
    }
    let bytes = book.save_to_buffer().expect("a workbook");
    let (source, records) = bench.read(&bench.file("calls.dat", &bytes));
    assert_same(&records, "workbook");
    assert_eq!(records[0].billed_s, 120);
    assert_eq!(records[19].amount, 195_000_000);
    assert_eq!(source.layout().header_lines, 3, "a line of the text is a row of the sheet");
    assert_eq!(source.line(4), 4);
}

#[test]
fn sheets_with_the_same_header_are_one_table_and_empty_last_cells_are_no_matter() {
    use rust_xlsxwriter::Workbook;
    let bench = Bench::new();
    let mut book = Workbook::new();
    for day in 0..3_u32 {
        let sheet = book.add_worksheet().set_name(format!("day {day}")).expect("a name");
        sheet.write(0, 0, format!("Calls of day {day}")).expect("a cell");
        for (column, name) in ["Caller", "Callee", "Start", "Duration", "Trunk"].iter().enumerate() {
            sheet.write(1, u16::try_from(column).expect("few"), *name).expect("a cell");
        }
        for at in 0..5_u32 {
            let row = at + 2;
            sheet.write(row, 0, "85231000001").expect("a cell");
            sheet.write(row, 1, format!("86138000000{day}{at}")).expect("a cell");
            sheet.write(row, 2, format!("2026-04-0{} 00:0{at}:03", day + 3)).expect("a cell");
            sheet.write(row, 3, 60 + at).expect("a cell");
            if at % 2 == 0 {
                sheet.write(row, 4, "gw1").expect("a cell");
            }
        }
    }
    let other = book.add_worksheet().set_name("SMS").expect("a name");
    for (column, name) in ["Caller", "Callee", "Start", "Text"].iter().enumerate() {
        other.write(0, u16::try_from(column).expect("few"), *name).expect("a cell");
        other.write(1, u16::try_from(column).expect("few"), "x").expect("a cell");
    }
    let input = bench.file("days.xlsx", &book.save_to_buffer().expect("a workbook"));
    let (source, records) = bench.read(&input);
    assert_eq!(records.len(), 15);
    assert_eq!(records[14].callee, Number::of("8613800000024"));
    let said = source.findings().iter().find_map(|finding| finding.values.get("sheet")).expect("the sheets");
    assert_eq!(said, "day 0, day 1, day 2");
    let left = source.findings().iter().find_map(|finding| finding.values.get("sheets_left_out"));
    assert_eq!(left.expect("the rest"), "SMS");
}

#[test]
fn columns_that_hold_each_others_numbers_are_asked_about_and_never_paired() {
    let bench = Bench::new();
    let text: String = (0..40)
        .map(|at| format!("852310000{at:02},861380000{at:04},2026-04-03 00:{at:02}:03,{}\n", 60 + at))
        .collect();
    let ours = bench.file("ours.csv", format!("caller,callee,start,duration\n{text}").as_bytes());
    let theirs = bench.file("theirs.csv", format!("callee,caller,start,duration\n{text}").as_bytes());
    let said = Source::open_pair(&ours, &theirs, bench.folder.path()).expect_err("crossed").to_string();
    assert!(said.contains("--theirs-columns caller=1,callee=2") && said.contains("theirs.csv"), "{said}");
    let told = Input { hints: vec![("theirs-columns".to_owned(), "caller=1,callee=2".to_owned())], ..theirs };
    assert!(Source::open_pair(&ours, &told, bench.folder.path()).is_ok());
}

#[test]
fn json_gives_the_same_records_one_a_line_in_an_array_or_one_after_the_other() {
    let bench = Bench::new();
    let start = START / 1_000;
    let record = |at: i64| {
        format!(
            "{{\"core-uuid\":\"x\",\"variables\":{{\"uuid\":\"u{at}\",\"start_epoch\":\"{}\",\"start_uepoch\":\"{}\",\"answer_epoch\":\"{}\",\"answer_uepoch\":\"{}\",\
             \"end_epoch\":\"{}\",\"end_uepoch\":\"{}\",\"duration\":\"{}\",\"billsec\":\"{}\",\"billmsec\":\"{}\",\"sip_user_agent\":\"a%20b\"}},\
             \"callflow\":[{{\"caller_profile\":{{\"caller_id_number\":\"%2B85231000001\",\"destination_number\":\"{}\"}}}}]}}",
            start + at * 60,
            (start + at * 60) * 1_000_000,
            start + at * 60 + 5,
            (start + at * 60 + 5) * 1_000_000,
            start + at * 60 + 65 + at,
            (start + at * 60 + 65 + at) * 1_000_000,
            65 + at,
            60 + at,
            (60 + at) * 1_000,
            8_613_800_000_001 + at
        )
    };
    let records: Vec<String> = (0..20).map(record).collect();
    let pretty: Vec<String> = records
        .iter()
        .map(|text| {
            serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(text).expect("json"))
                .expect("json")
        })
        .collect();
    for (name, text) in [
        ("lines", records.join("\n")),
        ("array", format!("[{}]", records.join(",\n"))),
        ("concatenated", pretty.join("\n")),
        ("wrapped", format!("{{\"count\": 20, \"cdrs\": [{}]}}", records.join(","))),
    ] {
        let (source, read) = bench.read(&bench.file(name, text.as_bytes()));
        assert_eq!(source.layout().preset, "freeswitch-json", "{name}");
        assert_eq!(read.len(), 20, "{name}");
        assert_eq!((read[0].start_ms, read[0].talk_ms, read[0].ring_ms), (START, 60_000, 5_000), "{name}");
        assert_eq!(read[19].callee, Number::of("8613800000020"), "{name}");
        assert_eq!(source.line(2), 1, "the first record of {name}");
    }
    let mut broken = records.clone();
    broken[7] = "{\"variables\": {\"uuid\": ".to_owned();
    let source =
        bench.open(&bench.file("broken", broken.join("\n").as_bytes())).expect("one bad line is no matter");
    let text = std::fs::read(source.path()).expect("its text");
    let parsed = RowReader::new(source.layout()).expect("readable").read(&text, 0);
    assert_eq!((parsed.records.len(), parsed.rejections.len()), (19, 1));
    assert_eq!(source.line(parsed.rejections[0].line), 8);
}

#[test]
fn what_is_broken_or_cannot_be_opened_is_told_with_place_and_remedy() {
    let bench = Bench::new();
    let packed = gzipped(csv().repeat(50).as_bytes());
    let said = |name: &str, bytes: &[u8]| bench.open(&bench.file(name, bytes)).expect_err(name).to_string();
    let short = said("short.gz", &packed[..packed.len() - 30]);
    assert!(short.contains("ends too early") && short.contains("near byte"), "{short}");
    let mut damaged = packed.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 20].fill(0xff);
    let damaged = said("damaged.gz", &damaged);
    assert!(damaged.contains("gzip file"), "{damaged}");
    assert!(said("archive.zip", b"PK\x03\x04\x14\x00\x00\x00 not a workbook").contains("archive.zip"));
    assert!(said("empty.csv", b"").contains("no line"));
    assert!(
        said("noise.bin", &(0..4000_u32).map(|at| ((at * 7919) >> 3) as u8 & 0x1f).collect::<Vec<_>>())
            .contains("no text")
    );
    let missing = Input { path: bench.folder.path().join("none.csv"), ..Input::default() };
    assert!(bench.open(&missing).expect_err("missing").to_string().contains("none.csv"));
    let leftovers = std::fs::read_dir(bench.folder.path()).expect("the folder").flatten();
    assert!(leftovers.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with("text-")));
}

#[test]
fn the_other_file_settles_what_one_leaves_open() {
    let bench = Bench::new();
    let ours = bench.file("ours.csv", csv().as_bytes());
    let slashes: String = csv().replace("2026-04-03", "03/04/2026");
    let theirs = bench.file("theirs.csv", slashes.as_bytes());
    let alone = Source::open(&theirs, Side::Theirs, bench.folder.path()).expect_err("ambiguous").to_string();
    assert!(alone.contains("--theirs-date-order dmy") && alone.contains("theirs.csv"), "{alone}");
    let [_, theirs] = Source::open_pair(&ours, &theirs, bench.folder.path()).expect("proved");
    assert_eq!(theirs.layout().time, linesman_cdr::format::TimeStyle::DayFirst);
    let swapped =
        Source::open_pair(&bench.file("theirs.csv", slashes.as_bytes()), &ours, bench.folder.path())
            .expect("proved");
    assert_eq!(swapped[0].layout().time, linesman_cdr::format::TimeStyle::DayFirst);
}

#[test]
fn a_day_above_twelve_far_into_a_large_file_is_found() {
    let bench = Bench::new();
    let mut text = String::from("caller,callee,start,duration\n");
    for at in 0..40_000 {
        let day = if (12_000..12_400).contains(&at) { 17 } else { 5 };
        text.push_str(&format!("85231000001,861380{at:07},{day:02}/04/2026 00:00:03,{}\n", at % 300));
    }
    let source = bench.open(&bench.file("large.csv", text.as_bytes())).expect("proved");
    assert_eq!(source.layout().time, linesman_cdr::format::TimeStyle::DayFirst);
}

#[test]
fn bad_bytes_within_a_line_and_a_format_of_ones_own_are_no_matter() {
    let bench = Bench::new();
    let mut bytes = csv().into_bytes();
    let place = bytes.windows(3).position(|bytes| bytes == b"c3,").expect("the third call");
    bytes[place] = 0xff;
    let input = bench.file("bad.csv", &bytes);
    let (source, records) = bench.read(&input);
    assert_eq!((source.path(), records.len()), (input.path.as_path(), 20));

    let preset =
        bench.file("mine.toml", b"name = \"mine\"\n[names]\ncaller = [\"callee\"]\ncallee = [\"caller\"]\n");
    let swapped = Input { format: Some(preset.path.display().to_string()), ..input };
    let source = bench.open(&swapped).expect("opened");
    assert_eq!(source.layout().columns[1..3], [Role::Callee, Role::Caller]);
    let unknown = Input { format: Some("astrisk".to_owned()), ..swapped };
    assert!(bench.open(&unknown).expect_err("unknown").to_string().contains("did you mean `asterisk`"));
}

#[test]
fn the_hash_is_of_the_bytes_that_the_user_gave() {
    let bench = Bench::new();
    let source = bench.open(&bench.file("packed.gz", &gzipped(csv().as_bytes()))).expect("opened");
    let expected = Sha256::digest(gzipped(csv().as_bytes()));
    let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(source.sha256().expect("read"), expected);
}
