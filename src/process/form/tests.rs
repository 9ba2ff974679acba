use proptest::prelude::*;

use super::*;

fn form(id: FormId) -> &'static Form {
    shipped(id).expect("shipped")
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(id, value)| ((*id).to_owned(), (*value).to_owned())).collect()
}

fn survey(score: &str) -> Values {
    values(&[
        ("number", "LM-2026-000001"),
        ("person", "Zhang San"),
        ("called_at", "2026-03-06T10:00:00+08:00"),
        ("attitude", score),
        ("competence", "7"),
        ("efficiency", "10"),
        ("overall", "basically"),
    ])
}

#[test]
fn every_form_is_there_with_its_original_title_r38_to_r47_r63_r89() {
    let read = read("forms.toml", DEFAULT);
    assert!(read.is_ok(), "{read:?}");
    let ids: Vec<FormId> = defaults().iter().map(|form| form.id).collect();
    assert_eq!(ids, FormId::ALL);
    let rules: Vec<&str> = defaults().iter().map(|form| form.rule.as_str()).collect();
    assert_eq!(rules, ["R38", "R39", "R40", "R41", "R42", "R43", "R89", "R44", "R45", "R46", "R47", "R63"]);
    let title = |id: FormId| id.word(Language::Chinese);
    assert_eq!(title(FormId::ComplaintHandling), "客户投诉处理表");
    assert_eq!(title(FormId::DispatchOrder), "派工单");
    assert_eq!(title(FormId::Survey), "客户满意度调研表");
}

#[test]
fn the_fields_are_those_of_the_operators_templates_r40_r43_r44_r45_r46() {
    for (id, expected) in [
        (FormId::DispatchOrder, "problem_place server_bill customer_bill contact"),
        (FormId::CarrierRepair, "repair_time repair_result"),
        (FormId::ServerMaintenance, "server start end person fault correction"),
        (
            FormId::Registration,
            "number customer contact model bought_on description source urgency department assigned_at",
        ),
        (
            FormId::ServiceProcess,
            "number service_type executor service_time place findings measures parts signature remarks",
        ),
        (FormId::ResultConfirmation, "number customer content result rating signature confirmed_at"),
        (FormId::Survey, "number person called_at attitude competence efficiency overall suggestion"),
        (
            FormId::Recharge,
            "payer amount currency channel remitted_at voucher account requester result result_at",
        ),
    ] {
        let missing: Vec<&str> =
            expected.split(' ').filter(|field| form(id).field(field).is_none()).collect();
        assert!(missing.is_empty(), "{id}: {missing:?}");
    }
}

#[test]
fn every_option_has_a_word_in_both_languages() {
    for option in defaults().iter().flat_map(|form| &form.fields).flat_map(|field| &field.options) {
        assert_ne!(option_word(option, Language::Chinese), option);
        assert!(!option_word(option, Language::English).contains('_'), "{option}");
    }
}

#[test]
fn what_is_missing_or_does_not_fit_is_named_at_once_in_both_languages_r46() {
    let filled = survey("9");
    assert_eq!(form(FormId::Survey).mistakes(&filled), []);
    let mut wrong = filled;
    wrong.insert("attitude".to_owned(), "11".to_owned());
    wrong.insert("overall".to_owned(), " ".to_owned());
    wrong.insert("called_at".to_owned(), "yesterday".to_owned());
    wrong.insert("mood".to_owned(), "good".to_owned());
    let said: Vec<String> =
        form(FormId::Survey).mistakes(&wrong).iter().map(|one| one.say(Language::English)).collect();
    assert_eq!(
        said,
        [
            "R46: `overall` is missing: Overall satisfaction",
            "`attitude` does not fit: Attitude (1-10); it takes score from 1 to 10",
            "`called_at` does not fit: Time of the call; it takes time, 2026-03-02T09:00:00+08:00",
            "the form has no field `mood`",
        ]
    );
    let chinese = form(FormId::Survey).mistakes(&wrong)[0].say(Language::Chinese);
    assert_eq!(chinese, "R46：缺少“整体满意度”（overall）");
}

#[test]
fn a_score_below_seven_asks_for_a_second_handling_and_seven_does_not_r80() {
    let table = linesman_deadlines::policy::defaults().expect("shipped");
    let low = |score| -> Vec<String> {
        let values = survey(score);
        form(FormId::Survey).second_handling(&values, table).iter().map(|field| field.id.clone()).collect()
    };
    assert_eq!(low("6"), ["attitude"]);
    assert!(low("7").is_empty());
    assert!(low("").is_empty(), "what was not asked is not bad");
}

#[test]
fn a_page_has_both_titles_marks_what_is_missing_and_loads_nothing_r45() {
    let given = values(&[("number", "LM-1"), ("customer", "Acme <b>&\"'"), ("rating", "basically")]);
    let heading = Heading { operator: Some("Example Telecom".to_owned()), ..Heading::default() };
    let page = page(form(FormId::ResultConfirmation), &given, &heading, Language::Chinese);
    assert!(page.starts_with("<!doctype html>\n<html lang=\"zh-CN\">"));
    for part in [
        "服务结果确认表",
        "Service result confirmation",
        "☒ 基本满意",
        "☐ 不满意",
        "缺少3个必填项",
        "Example Telecom",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("Acme &lt;b&gt;&amp;&quot;&#39;"));
    for outside in ["http:", "https:", "<script", "src=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_form_without_values_is_printed_to_be_filled_in_by_hand_r43() {
    let page = page(form(FormId::Registration), &Values::new(), &Heading::default(), Language::English);
    assert!(!page.contains("class=\"missing\"") && page.contains("Responsible department"));
}

#[test]
fn personal_data_is_masked_where_it_is_not_needed_r111() {
    let given = values(&[("contact", "+86 138 0013 8000"), ("customer", "张三")]);
    let heading = Heading { mask_personal: true, ..Heading::default() };
    let page = page(form(FormId::Registration), &given, &heading, Language::English);
    assert!(!page.contains("138 0013") && page.contains("*8000") && page.contains("张*"));
}

#[test]
fn mistakes_in_definitions_are_named_at_their_places() {
    for (from, to, expected) in [
        ("id = \"recharge\"", "id = \"complaint_handling\"", "`complaint_handling` is there twice"),
        ("rule = \"R39\"", "rule = \"39\"", "a rule is named as in mission.md"),
        ("id = \"payer\"", "id = \"account\"", "this field is there twice"),
        ("label_zh = \"付款人\"", "label_zh = \"payer\"", "the Chinese text is missing; write `label_zh"),
        ("from = \"recharge_request.payer\"", "from = \"payer\"", "say where it comes from"),
        ("options = [\"credited\", \"not_received\"], ", "", "a choice has two options at least"),
        ("kind = \"score\"", "kind = \"stars\"", "unknown variant `stars`"),
    ] {
        let text = DEFAULT.replacen(from, to, 1);
        assert_ne!(text, DEFAULT, "{from}");
        let wrong = read("own.toml", &text).expect_err(expected);
        assert!(wrong.iter().any(|one| one.to_string().contains(expected)), "{wrong:?}: {expected}");
    }
}

proptest! {
    #[test]
    fn nothing_that_somebody_writes_becomes_markup(value in ".{0,80}", which in 0_usize..12, mask in any::<bool>()) {
        let form = &defaults()[which];
        let filled: Values = form.fields.iter().map(|field| (field.id.clone(), format!("{value}<i>\""))).collect();
        let heading = Heading { operator: Some(value.clone()), printed_at: Some(value.clone()), mask_personal: mask };
        let empty = page(form, &Values::new(), &Heading::default(), Language::English);
        let page = page(form, &filled, &heading, Language::English);
        let tags = |page: &str, tag: &str| page.matches(tag).count();
        prop_assert_eq!(tags(&page, "<tr"), tags(&empty, "<tr"));
        prop_assert_eq!(tags(&page, "<i>"), 0);
        let turns = page.contains('\u{202e}');
        prop_assert!(!turns);
    }
}
