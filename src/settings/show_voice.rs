//! The effective `[voice]` and `[[media]]` as TOML.

use toml::{Table, Value};

use super::show::Keys;
use super::voice::VoiceSettings;

pub(super) fn voice(voice: &VoiceSettings) -> Keys {
    let filter = Some(&voice.filter).filter(|filter| !filter.is_empty());
    Keys::default()
        .list("interfaces", &voice.interfaces)
        .put("source", voice.source.name())
        .text("filter", filter)
        .put("workers", i64::from(voice.workers))
        .put("sip_tcp", voice.sip_tcp)
        .put("promiscuous", voice.promiscuous)
        .list("hep", &voice.hep)
        .list("vq_rtcpxr", &voice.vq_rtcpxr)
        .list("vxlan", &voice.vxlan)
        .list("tzsp", &voice.tzsp)
        .time("look_back", voice.look_back)
        .put("bad_loss", voice.bad_loss)
        .put("minimum_calls", i64::from(voice.minimum_calls))
        .put("minimum_share", voice.minimum_share)
        .put("store", voice.store.name())
        .time("keep", voice.keep)
        .put("evidence", voice.evidence.name())
        .put("evidence_files", i64::from(voice.evidence_files))
        .put("evidence_kib", i64::from(voice.evidence_kib))
        .put("evidence_memory_mib", i64::from(voice.evidence_memory_mib))
}

pub(super) fn media(voice: &VoiceSettings, root: &mut Table) {
    let tables = voice.media.iter().map(|media| {
        let networks: Vec<String> =
            media.networks.iter().map(|network| format!("{}/{}", network.address, network.prefix)).collect();
        Value::Table(Keys::default().put("element", media.element.as_str()).list("networks", &networks).0)
    });
    let tables: Vec<Value> = tables.collect();
    if !tables.is_empty() {
        root.insert("media".to_owned(), tables.into());
    }
}
