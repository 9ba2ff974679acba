//! What must not be shown: passwords within URLs.

/// What stands where a secret was.
const HIDDEN: &str = "***";

/// A database URL as it may be shown: without its password, wherever that stands.
#[must_use]
pub fn without_password(url: &str) -> String {
    let shown = match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", hide_in_authority(rest)),
        None => url.to_owned(),
    };
    let Some((address, query)) = shown.split_once('?') else { return shown };
    let parts: Vec<String> = query.split('&').map(hide_in_parameter).collect();
    format!("{address}?{}", parts.join("&"))
}

fn hide_in_authority(rest: &str) -> String {
    // The last `@`, wherever: an unescaped `@` or `?` within a password must not let its tail
    // through. Rather too much is hidden than too little.
    let Some((user_info, host)) = rest.rsplit_once('@') else { return rest.to_owned() };
    match user_info.split_once(':') {
        Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
        None => rest.to_owned(),
    }
}

fn hide_in_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((key, _)) if key.to_ascii_lowercase().contains("pass") => format!("{key}={HIDDEN}"),
        _ => parameter.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_wherever_it_stands() {
        for (url, shown) in [
            ("postgres://linesman:s3cret@db/linesman", "postgres://linesman:***@db/linesman"),
            (
                "postgres://linesman:a@s3cret@db/x?sslmode=require",
                "postgres://linesman:***@db/x?sslmode=require",
            ),
            ("postgres://db/x?user=l&password=s3cret", "postgres://db/x?user=l&password=***"),
            ("postgres://db/x?password=a@s3cret", "postgres://db/x?password=***"),
            ("postgres://linesman@db/x", "postgres://linesman@db/x"),
            ("sqlite:linesman.db", "sqlite:linesman.db"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn no_password_gets_through_a_question_mark_of_its_own() {
        assert!(!without_password("postgres://linesman:s3?cret@db/x").contains("cret"));
    }
}
