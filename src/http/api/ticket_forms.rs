//! `/api/v1/tickets/{ticket}/forms`: the forms of R38 to R47, filled from what is known, filed by whoever fills in the
//! rest; links by which a customer confirms or answers without a login.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use linesman_deadlines::policy::Urgency;
use linesman_process::form::{self, Field, FieldMistake, Form, FormId, Values};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Body, Named, Speaks};
use crate::http::openapi::{BadRequest, Changes, NotFound, TakesBody};
use crate::http::walk::APART;
use crate::locale::Language;
use crate::privacy::Sight;
use crate::store::forms::WantedForm;
use crate::store::process::{WantedTicket, second_handling_key};
use crate::store::{Role, WriteError};
use crate::ticket::form::{Sources, fill};
use crate::ticket::process::{LinkPurpose, RecordKind};
use crate::ticket::{Actor, Deed, Event, Intake, Ticket, TicketText};

use super::customers::sight;
use super::ticket_changes::{ChangeParams, Changed, check, if_match, text_flaws};
use super::ticket_process::salted;
use super::tickets::{find_for, show};
use super::view::base_url;

/// Longest value of a field, in characters.
const LONGEST_VALUE: usize = 10_000;
/// Stands for words that a reader need not know.
const HIDDEN: &str = "***";
/// A link is good for so long unless stated.
const LINK_LASTS: TimeDelta = TimeDelta::days(14);
/// And so long at most.
const LINK_LONGEST: TimeDelta = TimeDelta::days(90);

/// A field of a form with its value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldView {
    /// Its name.
    pub id: String,
    /// What stands beside it.
    pub label: String,
    /// What it holds: line, long, time, money, choice, score or signature.
    pub kind: String,
    /// What may be chosen.
    pub options: Vec<String>,
    /// What is known; masked where the caller need not know it.
    pub value: Option<String>,
    /// It must be there.
    pub mandatory: bool,
    /// It tells of a person.
    pub personal: bool,
}

/// A form of a ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FormView {
    /// Its name.
    pub form: String,
    /// Its title.
    pub title: String,
    /// The operator's own title.
    pub original_title: String,
    /// The rule of the procedure.
    pub rule: String,
    /// Its fields.
    pub fields: Vec<FieldView>,
    /// Mandatory fields that are not known.
    pub missing: Vec<String>,
    /// How often it was filed.
    pub filed: i64,
    /// When it was filed last.
    pub filed_at: Option<DateTime<Utc>>,
    /// Who filed it last.
    pub filed_by: Option<String>,
    /// Its page to print.
    pub url: String,
}

/// The forms of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormList {
    /// All of them, in the order of R38 to R47.
    forms: Vec<FormLine>,
}

/// A form in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormLine {
    form: String,
    title: String,
    rule: String,
    filed: i64,
    url: String,
}

/// What is filled in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilledIn {
    /// Fields by their names; what is known already need not be repeated.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// A form with all that is known of a ticket, and whether personal fields are to be masked.
pub struct Filled {
    /// The form.
    pub form: &'static Form,
    /// What is known.
    pub values: Values,
    /// What was filed, of personal fields the hash.
    pub filed: Option<crate::store::forms::FiledForm>,
    /// Personal fields are masked for this reader.
    pub masked: bool,
}

/// The form of a name.
///
/// # Errors
/// 404.
pub fn known(name: &str) -> Result<&'static Form, Problem> {
    let shown: String = name.chars().filter(|character| !character.is_control()).take(64).collect();
    let found = FormId::parse(name).and_then(form::shipped);
    found.ok_or_else(|| Problem::say(Code::NotFound, "no_form").with("form", shown))
}

/// Fills a form from what is known.
///
/// # Errors
/// When the database does not answer.
pub async fn filled(
    state: &HttpState,
    caller: &Caller,
    ticket: &Ticket,
    form: &'static Form,
    language: Language,
) -> Result<Filled, Problem> {
    let texts = state.store.ticket_texts(&ticket.id).await?;
    let hash = ticket.registration.as_ref().map(|registration| registration.text_sha256.as_str());
    let words = texts.iter().find(|(sha256, _)| Some(sha256.as_str()) == hash).map(|(_, words)| words);
    let may_read = caller.role.covers(Role::Agent) || caller.role == Role::Billing;
    // That there are words is no secret; what they say is (R111).
    let hidden = TicketText::of(HIDDEN);
    let words = words.map(|words| if may_read { words } else { &hidden });
    let (mut customer, mut contact, mut masked) = (None, None, !may_read);
    let asks =
        form.fields.iter().any(|field| matches!(field.from.as_str(), "customer.name" | "contact.phone"));
    let named = ticket.registration.as_ref().and_then(|registration| registration.customer.as_ref());
    if let Some(named) = named.filter(|_| asks) {
        // Without keys nothing of a person is known here, which is no reason to refuse the rest of the form.
        let id = crate::store::customers::CustomerId(named.customer.clone());
        if let Ok(Some(known)) = state.store.customer(&id).await {
            let sight = sight(state, caller, &known).await?;
            if sight == Sight::Clear {
                state.store.note_read(&known.id, &caller.actor, "form").await?;
            }
            masked |= sight == Sight::Masked;
            let meant = known.contacts.iter().find(|one| Some(&one.id.0) == named.contact.as_ref());
            let meant = meant.or(known.contacts.first()).map(|one| &one.data);
            customer = known.data.name.as_ref().map(|name| name.in_clear().to_owned());
            contact = meant
                .and_then(|data| data.phone.as_ref().or(data.email.as_ref()))
                .map(|one| one.in_clear().to_owned());
            customer = customer
                .or_else(|| meant.and_then(|data| data.name.as_ref()).map(|name| name.in_clear().to_owned()));
        }
    }
    let (mut our_bill, mut their_bill) = (None, None);
    if let Some(billing) = ticket.fault.as_ref().and_then(|fault| fault.billing.as_ref())
        && let Some(run) = state.store.run(&billing.run).await?
    {
        let file = |role: crate::store::InputRole| {
            let input = run.request.inputs.iter().find(|input| input.role == role)?;
            Some(format!(
                "{} ({} bytes, sha256 {}); {}, {}",
                input.name, input.bytes, input.sha256, billing.party, billing.period
            ))
        };
        our_bill = file(crate::store::InputRole::Ours);
        their_bill = file(crate::store::InputRole::Theirs);
    }
    let filed = state.store.filed_form(&ticket.id, form.id).await?;
    let mut values: Values = filed.as_ref().map(|filed| filed.values.clone()).unwrap_or_default();
    for field in form.fields.iter().filter(|field| is_kept_apart(field)) {
        let kept = values.get(&field.id).and_then(|value| value.strip_prefix(APART));
        let words = kept.and_then(|hash| texts.iter().find(|(sha256, _)| sha256 == hash));
        match words {
            Some((_, words)) => {
                let is_shown = field.personal || may_read;
                let shown = if is_shown { words.description.as_str() } else { HIDDEN };
                values.insert(field.id.clone(), shown.to_owned());
            }
            // Erased with the person, or never there.
            None => drop(values.remove(&field.id)),
        }
    }
    let trees = state.store.trees();
    let sources = Sources {
        ticket,
        words,
        trees: trees.as_deref(),
        our_bill,
        their_bill,
        customer,
        contact,
        filed: values,
        language,
    };
    Ok(Filled { form, values: fill(form, &sources), filed, masked })
}

/// Fields that are not kept with the form: those of a person, and what he said. They are sealed, and go with him.
fn is_kept_apart(field: &Field) -> bool {
    field.personal || matches!(field.from.as_str(), "ticket.description" | "ticket.symptom")
}

/// The last four signs of what a reader need not know whole.
fn shown(value: &str, is_masked: bool) -> String {
    if !is_masked {
        return value.to_owned();
    }
    let count = value.chars().count();
    let keep = if count > 7 { 4 } else { 0 };
    value.chars().enumerate().map(|(place, sign)| if place + keep >= count { sign } else { '*' }).collect()
}

pub(in crate::http) fn view(
    state: &HttpState,
    ticket: &Ticket,
    filled: &Filled,
    language: Language,
) -> FormView {
    let (form, spoken) = (filled.form, language.into());
    let fields = form.fields.iter().map(|field| FieldView {
        id: field.id.clone(),
        label: field.label.get(spoken).to_owned(),
        kind: field.kind.name().to_owned(),
        options: field.options.clone(),
        value: filled.values.get(&field.id).map(|value| shown(value, field.personal && filled.masked)),
        mandatory: field.mandatory && field.when.is_none(),
        personal: field.personal,
    });
    FormView {
        form: form.id.name().to_owned(),
        title: form.id.word(spoken).to_owned(),
        original_title: form.id.word(linesman_process::Language::Chinese).to_owned(),
        rule: form.rule.clone(),
        fields: fields.collect(),
        missing: form.missing(&filled.values).into_iter().map(|field| field.id.clone()).collect(),
        filed: filled.filed.as_ref().map_or(0, |filed| filed.count),
        filed_at: filled.filed.as_ref().map(|filed| filed.at),
        filed_by: filled.filed.as_ref().map(|filed| filed.by.clone()),
        url: format!("{}/tickets/{}/forms/{}", base_url(state), ticket.number, form.id.name()),
    }
}

/// The forms of a ticket, with how often each was filed.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/forms", operation_id = "listTicketForms", tag = "forms",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "The forms.", body = FormList), BadRequest, NotFound))]
pub async fn list(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<FormList>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let filed = state.store.filed_forms(&ticket.id).await?;
    let line = |form: &Form| FormLine {
        form: form.id.name().to_owned(),
        title: form.id.word(language.into()).to_owned(),
        rule: form.rule.clone(),
        filed: filed.iter().find(|(name, _)| name == form.id.name()).map_or(0, |(_, count)| *count),
        url: format!("{}/tickets/{}/forms/{}", base_url(&state), ticket.number, form.id.name()),
    };
    Ok(Json(FormList { forms: form::defaults().iter().map(line).collect() }))
}

/// One form, filled from what is known of the ticket, with what is missing in it.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/forms/{form}", operation_id = "getTicketForm", tag = "forms",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64),
        ("form" = String, Path, description = "Name of the form, as `dispatch_order`.", max_length = 64)),
    responses((status = 200, description = "The form.", body = FormView), BadRequest, NotFound))]
pub async fn one(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    axum::extract::Path((name, form)): axum::extract::Path<(String, String)>,
) -> Result<Json<FormView>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let filled = filled(&state, &caller, &ticket, known(&form)?, language).await?;
    Ok(Json(view(&state, &ticket, &filled, language)))
}

/// The flaws of what was filled in.
#[must_use]
pub fn flaws(mistakes: &[FieldMistake]) -> Vec<Flaw> {
    let flaw = |mistake: &FieldMistake| {
        let id = match mistake {
            FieldMistake::Missing { field, .. } | FieldMistake::DoesNotFit { field } => &field.id,
            FieldMistake::NoSuchField { field } => field,
        };
        let [english, chinese] = [linesman_process::Language::English, linesman_process::Language::Chinese]
            .map(|language| mistake.say(language));
        let mut flaw = Flaw::at(&format!("/values/{id}"), "form");
        flaw.detail = flaw.detail.with_both("said", &english, &chinese);
        flaw
    };
    mistakes.iter().map(flaw).collect()
}

/// What is filed: the values with personal ones kept apart, and what the form means to its ticket.
///
/// # Errors
/// 422 with every field that is missing or does not fit; 403 where the form is another's to file.
pub fn prepared(
    caller_role: Option<Role>,
    ticket: &Ticket,
    mut filled: Filled,
    given: BTreeMap<String, String>,
) -> Result<WantedForm, Problem> {
    let too_long = given.iter().filter(|(_, value)| value.chars().count() > LONGEST_VALUE);
    let too_long: Vec<Flaw> = too_long
        .map(|(id, _)| Flaw::at(&format!("/values/{id}"), "text_length").with("most", LONGEST_VALUE))
        .collect();
    if !too_long.is_empty() {
        return Err(Problem::invalid(too_long));
    }
    let was_given = given.keys().cloned().collect::<Vec<_>>();
    filled.values.extend(given);
    let form = filled.form;
    let mistakes = form.mistakes(&filled.values);
    if !mistakes.is_empty() {
        return Err(Problem::invalid(flaws(&mistakes)));
    }
    let may = |role: Role| caller_role.is_none_or(|own| own.covers(role));
    let id = form.id;
    let reference = format!("{}/{}", id.name(), filled.filed.as_ref().map_or(0, |filed| filed.count) + 1);
    let outcome =
        filled.values.get("result").is_some_and(|value| value == "credited" || value == "not_received");
    let record = match id {
        FormId::ServerMaintenance => Some(RecordKind::MaintenanceRecord),
        FormId::Recharge if outcome && may(Role::Billing) => Some(RecordKind::FinanceOutcome),
        FormId::Recharge if outcome => {
            // What came of a remittance is finance's word (R5, R66).
            let problem = Problem::say(Code::Forbidden, "forbidden").with("needed", Role::Billing.name());
            return Err(problem.with("name", "").with("role", caller_role.map_or("", Role::name)));
        }
        _ => None,
    };
    let mut deeds = Vec::new();
    if let Some(kind) = record.filter(|_| ticket.is_reported()) {
        deeds.push(Deed::RecordFiled { kind, evidence: None, reference: reference.clone() });
    }
    let method = filled.values.get("accounting_method").is_some_and(|method| !method.trim().is_empty());
    if id == FormId::ServerMaintenance && method && ticket.is_reported() {
        deeds.push(Deed::RecordFiled { kind: RecordKind::AccountingMethod, evidence: None, reference });
    }
    let mut texts = Vec::new();
    for field in form.fields.iter().filter(|field| is_kept_apart(field)) {
        // What the customer's record or his words hold stays there alone.
        let Some(value) = filled.values.remove(&field.id).filter(|_| was_given.contains(&field.id)) else {
            continue;
        };
        let words = salted(TicketText::of(&value))?;
        filled.values.insert(field.id.clone(), format!("{APART}{}", words.sha256()));
        texts.push(words);
    }
    Ok(WantedForm { form: id, values: filled.values, texts, files: Vec::new(), deeds, link: None })
}

/// Files a form: with what is known and what is filled in, unless something mandatory is missing. What a guard asks
/// for, as the server maintenance record (R41), is filed with it.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/forms/{form}", operation_id = "fileTicketForm", tag = "forms",
    request_body = FilledIn,
    params(ChangeParams, ("form" = String, Path, description = "Name of the form.", max_length = 64)),
    responses(Changed<200>, Changes, TakesBody))]
pub async fn file(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    axum::extract::Path((name, form)): axum::extract::Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<FilledIn>,
) -> Result<Response, Problem> {
    let expected = if_match(&headers)?;
    let ticket = find_for(&state, &caller, &name).await?;
    let filled = filled(&state, &caller, &ticket, known(&form)?, language).await?;
    let wanted = prepared(Some(caller.role), &ticket, filled, body.values)?;
    let seen = expected.map_or_else(|| "*".to_owned(), |version| version.to_string());
    if expected.is_none_or(|expected| expected == ticket.version) {
        second_handling(&state, &ticket, &wanted).await?;
    }
    match state.writer.file(&ticket.id, expected, wanted, caller.actor).await {
        Ok(ticket) => Ok(show(&state, ticket, language)),
        Err(WriteError::Conflict(newer)) => Err(Problem::changed(seen, newer)),
        Err(error) => Err(error.into()),
    }
}

/// A score below the threshold is handled a second time (R80): a follow-up of the ticket, registered once.
pub(in crate::http) async fn second_handling(
    state: &HttpState,
    ticket: &Ticket,
    filed: &WantedForm,
) -> Result<(), WriteError> {
    if filed.form != FormId::Survey {
        return Ok(());
    }
    let values = &filed.values;
    let (Some(form), Some(table)) =
        (form::shipped(FormId::Survey), crate::procedure::deadlines_at(ticket.registered_at))
    else {
        return Ok(());
    };
    let low = form.second_handling(values, table);
    if low.is_empty() {
        return Ok(());
    }
    let Some(intake) = Intake::follow_up(ticket, state.clock.now_utc(), Urgency::General) else {
        return Ok(());
    };
    let named: Vec<String> = low
        .iter()
        .map(|field| format!("{}: {}", field.id, values.get(&field.id).map_or("", String::as_str)))
        .collect();
    let wanted = WantedTicket {
        intake,
        text: TicketText::of(&format!("{}: R80, {}", ticket.number, named.join(", "))),
        key: Some(second_handling_key(&ticket.id)),
    };
    match state.writer.register(wanted, Actor::linesman()).await {
        // Another answer with other scores asked for it before; or nobody is there to be called any more.
        Ok(_) | Err(WriteError::KeyReused | WriteError::NoCustomer(_) | WriteError::NoContact(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A link for the customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// What for.
    purpose: LinkPurpose,
    /// Until when it is good; 14 days unless stated, 90 at most.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
    /// Of a confirmation: why no article of the knowledge base comes of the ticket (R108).
    #[serde(default)]
    #[schema(max_length = 10000)]
    no_article_because: Option<String>,
}

/// A link as it is given to the customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// What for.
    purpose: LinkPurpose,
    /// The address; shown once.
    url: String,
    /// Until when it is good.
    expires_at: DateTime<Utc>,
}

/// Makes a link by which the customer confirms the result or answers the survey once, without a login (R46, R103).
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/links", operation_id = "makeCustomerLink", tag = "forms",
    request_body = NewLink,
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 201, description = "The link.", body = LinkView), BadRequest, NotFound, TakesBody))]
pub async fn link(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
    Body(body): Body<NewLink>,
) -> Result<Response, Problem> {
    check([body.no_article_because.as_deref().and_then(|text| text_flaws("/no_article_because", text))])?;
    let ticket = find_for(&state, &caller, &name).await?;
    let now = state.clock.now_utc();
    let expires_at = body.expires_at.unwrap_or(now + LINK_LASTS);
    if expires_at <= now || expires_at > now + LINK_LONGEST {
        return Err(Problem::invalid(vec![Flaw::at("/expires_at", "link_time")]));
    }
    let note = body.no_article_because.unwrap_or_default();
    let (secret, deed) = state.store.new_link(&ticket.id, body.purpose, expires_at, &note)?;
    state.writer.apply(&ticket.id, None, Event::from(deed), caller.actor).await?;
    let url = format!("{}/answer/{secret}", base_url(&state));
    Ok((StatusCode::CREATED, Json(LinkView { purpose: body.purpose, url, expires_at })).into_response())
}
