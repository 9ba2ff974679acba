//! Times of every style, zone and place.

use super::*;

#[test]
fn times_are_read_in_every_style() {
    use TimeStyle::*;
    for (style, written, ms) in [
        (YearFirst, "2026-04-03 00:00:03", 0),
        (YearFirst, "2026-04-03T00:00:03Z", 0),
        (YearFirst, "2026-04-03T08:00:03+08:00", 0),
        (YearFirst, "2026-04-03T08:00:03.123+0800", 123),
        (YearFirst, "2026-04-02 19:00:03.123456 -05", 123),
        (YearFirst, "2026/4/3 0:00:03", 0),
        (YearFirst, "2026.04.03 00:00:03.5", 500),
        (YearFirst, "2026年4月3日 0:00:03", 0),
        (YearFirst, "2026/4/3 上午 12:00:03", 0),
        (DayFirst, "03.04.2026 00:00:03", 0),
        (DayFirst, "3/4/26 0:00:03", 0),
        (DayFirst, "03-Apr-2026 00:00:03", 0),
        (MonthFirst, "04/03/2026 12:00:03 AM", 0),
        (MonthFirst, "4/3/2026 0:00:03", 0),
        (MonthFirst, "\"Apr 3, 2026 12:00:03 AM\"", 0),
        (Compact, "20260403000003", 0),
        (Compact, "20260403000003.250", 250),
        (Compact, "20260403T000003Z", 0),
        (EpochSeconds, "1775174403", 0),
        (EpochSeconds, "1775174403.17", 170),
        (EpochMillis, "1775174403123", 123),
        (EpochMicros, "1775174403123456", 123),
        (SpreadsheetDays, "46115.0000347222", 0),
        (SpreadsheetDays, "46115.00003472222", 0),
    ] {
        let layout = Layout { time: style, ..layout(&[Role::Callee, Role::Start, Role::Talk]) };
        let record = only(&layout, &format!("2002,{written},61\n"));
        assert_eq!(record.start_ms, START_MS + ms, "{style:?} {written}");
        assert_eq!(record.is(flag::FINE_TIME), ms != 0, "{written}");
    }
}

#[test]
fn afternoons_are_afternoons() {
    let layout = Layout { time: TimeStyle::MonthFirst, ..layout(&[Role::Callee, Role::Start, Role::Talk]) };
    for (written, hours) in [("1:00:03 PM", 13), ("12:00:03 PM", 12), ("12:00:03 AM", 0), ("11:00:03 pm", 23)]
    {
        let record = only(&layout, &format!("2002,04/03/2026 {written},61\n"));
        assert_eq!(record.start_ms, START_MS + hours * 3_600_000, "{written}");
    }
}

#[test]
fn a_date_and_its_time_of_day_may_stand_apart() {
    let roles = [Role::Callee, Role::StartDate, Role::Ignored, Role::StartTimeOfDay, Role::Talk];
    for (style, date, time) in [
        (TimeStyle::DayFirst, "03.04.2026", "00:00:03"),
        (TimeStyle::MonthFirst, "4/3/2026", "12:00:03 AM"),
        (TimeStyle::YearFirst, "2026-04-03 00:00:00", "0:00:03"),
        (TimeStyle::Compact, "20260403", "000003"),
        (TimeStyle::YearFirst, "20260403", "3"),
        (TimeStyle::SpreadsheetDays, "46115", "0.0000347222"),
    ] {
        let layout = Layout { time: style, ..layout(&roles) };
        assert_eq!(only(&layout, &format!("2002,{date},x,{time},61\n")).start_ms, START_MS, "{date} {time}");
    }
    let (column, reason) = complaint(&layout(&roles), "2002,2026-04-03,x,morning,61\n");
    assert_eq!(column, Some(4));
    assert!(reason.contains("no time of day"), "{reason}");
}

#[test]
fn a_place_has_its_summer_time() {
    let zoned = |zone| Layout { zone, ..layout(&[Role::Callee, Role::Start, Role::Talk]) };
    let berlin = zoned(Zone::Named("Europe/Berlin".to_owned()));
    // Clocks went forward on 2026-03-29 at 2:00 and back on 2026-10-25 at 3:00.
    for (local, utc) in [
        ("2026-03-28 23:00:03", 1_774_735_203),
        ("2026-03-29 01:59:59", 1_774_745_999),
        ("2026-03-29 03:00:00", 1_774_746_000),
        ("2026-07-01 12:00:00", 1_782_900_000),
        ("2026-10-25 02:30:00", 1_792_888_200),
        ("2026-10-25 03:00:00", 1_792_893_600),
        ("2026-12-24 18:00:00", 1_798_131_600),
    ] {
        let record = only(&berlin, &format!("2002,{local},61\n"));
        assert_eq!(record.start_ms, utc * 1000, "{local}");
    }
    let fixed = only(&zoned(Zone::Fixed(8 * 3600)), "2002,2026-04-03 08:00:03,61\n");
    assert_eq!(fixed.start_ms, START_MS);
    let unknown = RowReader::new(&zoned(Zone::Named("Mars/Olympus".to_owned())));
    assert_eq!(unknown.unwrap_err(), LayoutError::Zone("Mars/Olympus".to_owned()));
}
