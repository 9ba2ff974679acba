//! Digest authentication (RFC 3261 section 22, RFC 7616, RFC 8760): reading a challenge, answering it.
//!
//! MD5 and SHA-256, with and without `qop=auth`, and their `-sess` forms. A challenge that asks for anything else is
//! not answered, and the reason says what it asked for.

use md5::Md5;
use sha2::{Digest as _, Sha256};

/// Who calls, where the far end wants to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).field("password", &"hidden").finish()
    }
}

/// A challenge of scheme Digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Challenge {
    /// `realm`.
    pub realm: String,
    /// `nonce`.
    pub nonce: String,
    /// `opaque`.
    pub opaque: Option<String>,
    /// `algorithm`; MD5 where nothing is stated.
    pub algorithm: Option<String>,
    /// Whether `qop` offers `auth`; none where there is no `qop`.
    pub offers_auth: Option<bool>,
    /// The nonce before was right but old.
    pub is_stale: bool,
}

/// Longest part of a challenge that is kept.
const MAX_PART: usize = 512;

impl Challenge {
    /// Reads the value of WWW-Authenticate or Proxy-Authenticate; `None` when it is no Digest with realm and nonce.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim_start();
        let scheme = value.get(..7)?;
        if !scheme.eq_ignore_ascii_case("digest ") {
            return None;
        }
        let (mut realm, mut nonce, mut challenge) = (None, None, Self::default());
        for (name, value) in parameters(&value[7..]) {
            if value.len() > MAX_PART {
                return None;
            }
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value),
                "nonce" => nonce = Some(value),
                "opaque" => challenge.opaque = Some(value),
                "algorithm" => challenge.algorithm = Some(value),
                "stale" => challenge.is_stale = value.eq_ignore_ascii_case("true"),
                "qop" => {
                    let mut offers = value.split(',').map(str::trim);
                    challenge.offers_auth = Some(offers.any(|offer| offer.eq_ignore_ascii_case("auth")));
                }
                _ => {}
            }
        }
        (challenge.realm, challenge.nonce) = (realm?, nonce?);
        Some(challenge)
    }

    /// The value of the header that answers it; `count` says how often its nonce was used, this time included.
    ///
    /// # Errors
    /// What it asks for that is not known here.
    pub fn answer(
        &self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        client_nonce: &str,
        count: u32,
    ) -> Result<String, String> {
        let stated = self.algorithm.as_deref().unwrap_or("MD5").to_ascii_uppercase();
        let (hash, is_session): (fn(&str) -> String, bool) = match stated.as_str() {
            "MD5" => (md5_hex, false),
            "MD5-SESS" => (md5_hex, true),
            "SHA-256" => (sha256_hex, false),
            "SHA-256-SESS" => (sha256_hex, true),
            other => {
                return Err(format!("the far end asks for the algorithm {other}; MD5 and SHA-256 are known"));
            }
        };
        if self.offers_auth == Some(false) {
            return Err("the far end offers no `qop=auth`, which is the only one known".to_owned());
        }
        let Credentials { user, password } = credentials;
        let (realm, nonce) = (&self.realm, &self.nonce);
        let mut secret = hash(&format!("{user}:{realm}:{password}"));
        if is_session {
            secret = hash(&format!("{secret}:{nonce}:{client_nonce}"));
        }
        let asked = hash(&format!("{method}:{uri}"));
        let has_auth = self.offers_auth == Some(true);
        let response = if has_auth {
            hash(&format!("{secret}:{nonce}:{count:08x}:{client_nonce}:auth:{asked}"))
        } else {
            hash(&format!("{secret}:{nonce}:{asked}"))
        };
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{response}\"",
            quoted(user),
            quoted(realm),
            quoted(nonce),
            quoted(uri),
        );
        if let Some(algorithm) = &self.algorithm {
            value.push_str(&format!(", algorithm={algorithm}"));
        }
        if has_auth {
            value.push_str(&format!(", qop=auth, nc={count:08x}, cnonce=\"{client_nonce}\""));
        } else if is_session {
            value.push_str(&format!(", cnonce=\"{client_nonce}\""));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque=\"{}\"", quoted(opaque)));
        }
        Ok(value)
    }
}

/// `name=token, name="quoted \"string\""`: total; what has no `=` is left out.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let mut name = String::new();
        while let Some(letter) = rest.next_if(|letter| !matches!(letter, '=' | ',')) {
            name.push(letter);
        }
        if rest.next() != Some('=') {
            continue;
        }
        while rest.next_if(|letter| letter.is_whitespace()).is_some() {}
        let mut value = String::new();
        if rest.next_if_eq(&'"').is_some() {
            while let Some(letter) = rest.next() {
                match letter {
                    '"' => break,
                    '\\' => value.extend(rest.next()),
                    other => value.push(other),
                }
            }
            while rest.next_if(|letter| *letter != ',').is_some() {}
        } else {
            while let Some(letter) = rest.next_if(|letter| *letter != ',') {
                value.push(letter);
            }
            value.truncate(value.trim_end().len());
        }
        rest.next();
        found.push((name.trim().to_owned(), value));
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

fn sha256_hex(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn response(value: &str) -> &str {
        value.split("response=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
    }

    /// RFC 7616 section 3.9.1, both algorithms.
    #[test]
    fn the_standards_own_example_is_answered_as_it_says() {
        let mufasa = Credentials { user: "Mufasa".to_owned(), password: "Circle of Life".to_owned() };
        let of = |algorithm: &str| {
            Challenge::parse(&format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            ))
            .expect("a challenge")
        };
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let md5 = of("MD5").answer(&mufasa, "GET", "/dir/index.html", cnonce, 1).expect("known");
        assert_eq!(response(&md5), "8ca523f5e9506fed4657c9700eebdbec");
        let sha = of("SHA-256").answer(&mufasa, "GET", "/dir/index.html", cnonce, 1).expect("known");
        assert_eq!(response(&sha), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
        assert!(
            sha.contains("opaque=\"FQhe/")
                && sha.contains("nc=00000001")
                && sha.contains("algorithm=SHA-256")
        );
    }

    /// RFC 2617 without qop, as many switches still ask.
    #[test]
    fn an_old_challenge_gets_the_old_answer() {
        let challenge =
            Challenge::parse("digest nonce=abc,realm = \"a\\\"b\" , stale=TRUE").expect("a challenge");
        assert_eq!(
            (challenge.realm.as_str(), challenge.is_stale, challenge.offers_auth),
            ("a\"b", true, None)
        );
        let credentials = Credentials { user: "u".to_owned(), password: "p".to_owned() };
        let answer = challenge.answer(&credentials, "INVITE", "sip:x", "c", 1).expect("known");
        let expected = md5_hex(&format!("{}:abc:{}", md5_hex("u:a\"b:p"), md5_hex("INVITE:sip:x")));
        assert_eq!(response(&answer), expected);
        assert!(!answer.contains("qop") && !answer.contains("cnonce"), "{answer}");
    }

    #[test]
    fn what_cannot_be_answered_says_why_and_a_password_is_never_shown() {
        let credentials = Credentials { user: "u".to_owned(), password: "sesame".to_owned() };
        assert!(!format!("{credentials:?}").contains("sesame"));
        let ask = |text: &str| {
            Challenge::parse(text).expect("a challenge").answer(&credentials, "INVITE", "sip:x", "c", 1)
        };
        let error = ask("Digest realm=\"r\", nonce=\"n\", algorithm=AKAv1-MD5").expect_err("not known");
        assert!(error.contains("AKAV1-MD5"), "{error}");
        assert!(ask("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"").is_err());
        for no in ["", "Basic realm=\"r\"", "Digest realm=\"r\"", "Digest", "Dïgest realm=a,nonce=b"] {
            assert_eq!(Challenge::parse(no), None, "{no}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_challenge_or_none(text in "(Digest )?[ -~é\"\\\\,=]{0,200}") {
            let _ = Challenge::parse(&text);
        }

        #[test]
        fn quoted_values_are_read_as_they_were_written(realm in "[ -~]{1,40}", nonce in "[ -~]{1,40}") {
            let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let value = format!("Digest realm=\"{}\",nonce=\"{}\"", quoted(&realm), quoted(&nonce));
            let challenge = Challenge::parse(&value).expect("a challenge");
            prop_assert_eq!((challenge.realm, challenge.nonce), (realm, nonce));
        }
    }
}
