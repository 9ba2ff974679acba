//! Signatures of what is sent: HMAC-SHA256, in the manner of each receiver.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// Begin of a secret of Standard Webhooks; what follows is base64.
const PREFIX: &str = "whsec_";

fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message))
}

/// `webhook-signature` of Standard Webhooks 1.0: `v1,` and the base64 of the HMAC over `id.timestamp.body`.
#[must_use]
pub fn standard_webhooks(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let key = match secret.strip_prefix(PREFIX) {
        Some(encoded) => STANDARD.decode(encoded).unwrap_or_else(|_| encoded.as_bytes().to_vec()),
        None => secret.as_bytes().to_vec(),
    };
    let mut message = format!("{id}.{timestamp}.").into_bytes();
    message.extend_from_slice(body);
    format!("v1,{}", hmac_sha256(&key, &message))
}

/// `sign` of DingTalk, before it is encoded for the URL: keyed with the secret, over `MILLISECONDS\nSECRET`.
#[must_use]
pub fn dingtalk(secret: &str, millis: i64) -> String {
    hmac_sha256(secret.as_bytes(), format!("{millis}\n{secret}").as_bytes())
}

/// `sign` of Feishu: keyed with `SECONDS\nSECRET`, over nothing.
#[must_use]
pub fn feishu(secret: &str, seconds: i64) -> String {
    hmac_sha256(format!("{seconds}\n{secret}").as_bytes(), b"")
}
