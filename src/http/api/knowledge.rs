//! Articles and set phrases: written, reviewed, found, and suggested beside a ticket.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::diagnosis::Class;
use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Body, Named, Params, Speaks};
use crate::http::openapi::{BadRequest, Conflict, Invalid, NotFound, TakesBody};
use crate::knowledge::article::{Article, Change, Edit, Kind, Move, Review, Unfit, Words};
use crate::knowledge::rank::Suggestion;
use crate::knowledge::script::{self, Script};
use crate::knowledge::signature::Signature;
use crate::locale::Language;
use crate::store::knowledge::ArticleFilter;
use crate::store::{Role, StoreError};
use crate::ticket::Ticket;

use super::tickets::find_for;

/// So many articles are suggested beside a ticket.
const MOST_SUGGESTED: usize = 5;
/// So many are found by words unless stated.
const MOST_FOUND: u32 = 20;

/// An article as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticleView {
    #[serde(flatten)]
    article: Article,
    /// As `KB-12`.
    name: String,
    /// Its title in the language asked for.
    title: String,
}

impl ArticleView {
    fn of(article: Article, language: Language) -> Self {
        let title = article.words(language).title.clone();
        Self { name: article.number_text(), title, article }
    }
}

/// Articles.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticleList {
    /// The newest first, or the best fitting first; at most 500.
    articles: Vec<ArticleView>,
}

/// An article for a case.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SuggestionView {
    /// As `KB-12`.
    name: String,
    /// In the language asked for.
    #[serde(flatten)]
    words: Words,
    /// For which cases.
    signature: Signature,
    /// How alike its case is, 0 to 1; 0 when it was found by words alone.
    likeness: f64,
    /// Whether its words were found in the ticket's.
    by_text: bool,
}

impl SuggestionView {
    fn of(one: Suggestion, language: Language) -> Self {
        Self {
            name: one.article.number_text(),
            words: one.article.words(language).clone(),
            likeness: f64::from(one.likeness) / 1_000.0,
            by_text: one.text > 0.0,
            signature: one.article.signature,
        }
    }
}

/// What is known of cases as a ticket's, and what may be said.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketKnowledge {
    /// The article that it left itself.
    own: Option<ArticleView>,
    /// Published articles for it: by class, segment kind and features, then by words.
    suggestions: Vec<SuggestionView>,
}

/// Which articles.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArticleQuery {
    /// Words that it is found by, in either language; then the published ones, the best fitting first.
    #[param(max_length = 1000)]
    q: Option<String>,
    /// draft, in_review, published or retired.
    #[param(max_length = 20)]
    review: Option<String>,
    /// A to E.
    #[param(max_length = 1)]
    class: Option<String>,
    /// case or script.
    #[param(max_length = 20)]
    kind: Option<String>,
    /// At most so many; 20 unless stated.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// A new article: from a solved ticket, or written.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewArticle {
    /// Number or id of the ticket that it is drafted from.
    #[schema(max_length = 64)]
    ticket: Option<String>,
    /// What it is; a case unless stated.
    kind: Option<Kind>,
    /// What it says and for which cases.
    content: Edit,
}

/// A change of an article.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleEdit {
    /// The version that was seen.
    version: i64,
    /// What changes.
    content: Edit,
}

/// A step of its review.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleMove {
    /// The version that was seen.
    version: i64,
    /// Which step.
    to: Move,
}

/// Whether an article helped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleUse {
    /// Number or id of the ticket.
    #[schema(max_length = 64)]
    ticket: String,
    /// Whether it helped.
    helped: bool,
}

/// What people said of an article.
#[derive(Debug, Serialize, ToSchema)]
pub struct UseCount {
    /// It helped.
    helped: u64,
    /// It did not.
    failed: u64,
}

/// A set phrase.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScriptView {
    #[serde(flatten)]
    script: Script,
    /// In the language asked for.
    text: String,
    /// The article that it comes from; `null` of a shipped one.
    article: Option<String>,
}

/// Set phrases.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScriptList {
    /// One for each situation.
    scripts: Vec<ScriptView>,
}

fn refused(wrong: Vec<Unfit>) -> Problem {
    let pointer = |one: &Unfit| {
        if one.pointer.is_empty() { "/to".to_owned() } else { format!("/content{}", one.pointer) }
    };
    Problem::invalid(wrong.iter().map(|one| Flaw::at(&pointer(one), one.code)).collect())
}

async fn find(state: &HttpState, name: &str) -> Result<Article, Problem> {
    let shown: String = name.chars().filter(|sign| !sign.is_control()).take(64).collect();
    let found = state.store.article(&shown).await?;
    found.ok_or_else(|| Problem::say(Code::NotFound, "no_article").with("article", shown))
}

async fn keep(state: &HttpState, article: Article, language: Language) -> Result<Json<ArticleView>, Problem> {
    if !state.store.change_article(&article, state.clock.now_utc()).await? {
        return Err(Problem::say(Code::NameTaken, "article_changed"));
    }
    Ok(Json(ArticleView::of(article, language)))
}

fn seen(article: Article, version: i64) -> Result<Article, Problem> {
    if article.version == version {
        Ok(article)
    } else {
        Err(Problem::say(Code::NameTaken, "article_changed"))
    }
}

/// Articles by their state, or the published ones that words find.
#[utoipa::path(get, path = "/api/v1/knowledge", operation_id = "listKnowledge", tag = "knowledge",
    params(ArticleQuery), responses((status = 200, description = "Articles.", body = ArticleList), BadRequest, Invalid))]
pub async fn list(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    Params(query): Params<ArticleQuery>,
) -> Result<Json<ArticleList>, Problem> {
    let mut flaws = Vec::new();
    let mut parsed = |name: &str, given: &Option<String>, fits: bool| {
        if given.is_some() && !fits {
            flaws.push(Flaw::at(name, "article_filter"));
        }
    };
    let filter = ArticleFilter {
        review: query.review.as_deref().and_then(Review::parse),
        class: query.class.as_deref().and_then(Class::parse),
        kind: query.kind.as_deref().and_then(Kind::parse),
    };
    parsed("?review", &query.review, filter.review.is_some());
    parsed("?class", &query.class, filter.class.is_some());
    parsed("?kind", &query.kind, filter.kind.is_some());
    let limit = super::paging::limit(query.limit, MOST_FOUND, 500).unwrap_or_else(|flaw| {
        flaws.push(flaw);
        1
    });
    if !flaws.is_empty() {
        return Err(Problem::invalid(flaws));
    }
    let articles: Vec<Article> = match query.q.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        Some(words) => {
            let case = Signature { class: filter.class, ..Signature::default() };
            let found = state.store.suggestions(&case, words, limit as usize).await?;
            found.into_iter().filter(|one| one.text > 0.0).map(|one| one.article).collect()
        }
        None => state.store.articles(&filter).await?,
    };
    let articles = articles.into_iter().take(limit as usize);
    Ok(Json(ArticleList { articles: articles.map(|article| ArticleView::of(article, language)).collect() }))
}

/// One article, by number (`KB-12`) or id.
#[utoipa::path(get, path = "/api/v1/knowledge/{article}", operation_id = "getKnowledge", tag = "knowledge",
    params(("article" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "The article.", body = ArticleView), BadRequest, NotFound))]
pub async fn one(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    Named(name): Named,
) -> Result<Json<ArticleView>, Problem> {
    Ok(Json(ArticleView::of(find(&state, &name).await?, language)))
}

/// Drafts an article: of a solved ticket, or from what is written (R107, R108).
#[utoipa::path(post, path = "/api/v1/knowledge", operation_id = "draftKnowledge", tag = "knowledge",
    request_body = NewArticle,
    responses((status = 201, description = "The draft.", body = ArticleView), NotFound, Conflict, TakesBody))]
pub async fn draft(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Body(wanted): Body<NewArticle>,
) -> Result<Response, Problem> {
    let now = state.clock.now_utc();
    let by = caller.actor.clone();
    let article = match &wanted.ticket {
        Some(name) => {
            let ticket = find_for(&state, &caller, name).await?;
            if !crate::knowledge::draft::is_due(&ticket) {
                return Err(Problem::invalid(vec![Flaw::at("/ticket", "article_not_solved")]));
            }
            let inventory = state.settings.borrow().inventory.clone();
            let known = state.store.draft_article(&ticket, &inventory, &by.0, now).await?;
            if wanted.content == Edit::default() {
                known
            } else {
                let edited = known.edited(wanted.content, &by, now).map_err(refused)?;
                return keep(&state, edited, language)
                    .await
                    .map(|view| (StatusCode::CREATED, view).into_response());
            }
        }
        None => {
            let blank = |id, number| Article {
                id,
                number,
                version: 0,
                kind: wanted.kind.unwrap_or(Kind::Case),
                review: Review::Draft,
                signature: Signature::default(),
                purpose: None,
                en: Words::default(),
                zh: Words::default(),
                source: None,
                changes: Vec::new(),
            };
            // Judged before it is kept: what is wrong leaves nothing behind.
            let id = crate::knowledge::ArticleId(String::new());
            let written = blank(id, 0).edited(wanted.content, &by, now).map_err(refused)?;
            let changes = vec![Change { at: now, by: by.0.clone(), what: "drafted".to_owned() }];
            state.store.add_article(now, |id, number| Article { id, number, changes, ..written }).await?
        }
    };
    let address = format!("/api/v1/knowledge/{}", article.number_text());
    let view = Json(ArticleView::of(article, language));
    Ok((StatusCode::CREATED, [(header::LOCATION, address)], view).into_response())
}

/// Changes what an article says; what was published is read again before it is suggested again.
#[utoipa::path(post, path = "/api/v1/knowledge/{article}/edit", operation_id = "editKnowledge", tag = "knowledge",
    request_body = ArticleEdit,
    params(("article" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "The article.", body = ArticleView), NotFound, Conflict, TakesBody))]
pub async fn edit(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    Body(wanted): Body<ArticleEdit>,
) -> Result<Json<ArticleView>, Problem> {
    let article = seen(find(&state, &name).await?, wanted.version)?;
    let edited = article.edited(wanted.content, &caller.actor, state.clock.now_utc()).map_err(refused)?;
    keep(&state, edited, language).await
}

/// Submits, publishes, sends back or retires an article. Nobody but a manager publishes what he wrote last himself.
#[utoipa::path(post, path = "/api/v1/knowledge/{article}/move", operation_id = "moveKnowledge", tag = "knowledge",
    request_body = ArticleMove,
    params(("article" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "The article.", body = ArticleView), NotFound, Conflict, TakesBody))]
pub async fn step(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    Body(wanted): Body<ArticleMove>,
) -> Result<Json<ArticleView>, Problem> {
    if matches!(wanted.to, Move::Publish | Move::Retire | Move::SendBack) {
        caller.require(Role::Noc)?;
    }
    let article = seen(find(&state, &name).await?, wanted.version)?;
    let is_manager = caller.role.covers(Role::Manager);
    let now = state.clock.now_utc();
    let moved = article.moved(wanted.to, &caller.actor, is_manager, now).map_err(refused)?;
    keep(&state, moved, language).await
}

/// Says whether an article helped with a ticket; once a person and ticket, the last word counts.
#[utoipa::path(post, path = "/api/v1/knowledge/{article}/use", operation_id = "useKnowledge", tag = "knowledge",
    request_body = ArticleUse,
    params(("article" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "What was said of it.", body = UseCount), NotFound, TakesBody))]
pub async fn used(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
    Body(wanted): Body<ArticleUse>,
) -> Result<Json<UseCount>, Problem> {
    let article = find(&state, &name).await?;
    let ticket = find_for(&state, &caller, &wanted.ticket).await?;
    let now = state.clock.now_utc();
    state.store.article_used(&article.id, &ticket.id, &caller.actor.0, wanted.helped, now).await?;
    let uses = state.store.article_uses(&article.id).await?;
    Ok(Json(UseCount { helped: uses.helped, failed: uses.failed }))
}

/// Set phrases for each situation: the operator's own where one is published, else the shipped one (R36, R112).
#[utoipa::path(get, path = "/api/v1/scripts", operation_id = "listScripts", tag = "knowledge",
    responses((status = 200, description = "Set phrases.", body = ScriptList), BadRequest))]
pub async fn scripts(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
) -> Result<Json<ScriptList>, Problem> {
    let filter = ArticleFilter { review: Some(Review::Published), kind: Some(Kind::Script), class: None };
    let own = state.store.articles(&filter).await?;
    let scripts = script::shipped().iter().map(|shipped| {
        let article = own.iter().find(|article| article.purpose.as_deref() == Some(&shipped.purpose));
        let script = match article {
            Some(article) => Script {
                en: article.words(Language::English).solution.clone(),
                zh: article.words(Language::Chinese).solution.clone(),
                ..shipped.clone()
            },
            None => shipped.clone(),
        };
        let text = match language {
            Language::English => script.en.clone(),
            Language::Chinese => script.zh.clone(),
        };
        ScriptView { script, text, article: article.map(Article::number_text) }
    });
    Ok(Json(ScriptList { scripts: scripts.collect() }))
}

/// Published articles for a ticket: by class, segment kind and features, then by its words, which are kept nowhere.
///
/// # Errors
/// When the database does not answer or holds what cannot be understood.
pub(super) async fn suggested(
    state: &HttpState,
    ticket: &Ticket,
    language: Language,
) -> Result<Vec<SuggestionView>, StoreError> {
    let inventory = state.settings.borrow().inventory.clone();
    let case = Signature::of(ticket, &inventory);
    let mut words = String::new();
    if ticket.is_reported() {
        let kept = match state.store.ticket_texts(&ticket.id).await {
            // Then its kind of case alone decides.
            Err(StoreError::NoKey) => Vec::new(),
            kept => kept?,
        };
        for (_, text) in kept {
            for (_, field) in [text.fields()[0], text.fields()[1]] {
                words.push_str(field);
                words.push('\n');
            }
        }
    }
    let found = state.store.suggestions(&case, &words, MOST_SUGGESTED).await?;
    Ok(found.into_iter().map(|one| SuggestionView::of(one, language)).collect())
}

/// What is known of cases as this ticket's.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/knowledge", operation_id = "getTicketKnowledge", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "Articles for it.", body = TicketKnowledge), BadRequest, NotFound))]
pub async fn of_ticket(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<TicketKnowledge>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let own = state.store.article_of(&ticket.id).await?;
    let suggestions = suggested(&state, &ticket, language).await?;
    Ok(Json(TicketKnowledge { own: own.map(|article| ArticleView::of(article, language)), suggestions }))
}
