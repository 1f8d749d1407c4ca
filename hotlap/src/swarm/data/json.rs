//! What JSON says of a value's text.

use serde::de::IgnoredAny;

/// Whether a text is a JSON value by itself, as a number is.
pub fn is_value(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Append a text as it stands within the quotes of a JSON string.
pub fn escape(text: &[u8], into: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'"' => into.extend_from_slice(b"\\\""),
            b'\\' => into.extend_from_slice(b"\\\\"),
            b'\n' => into.extend_from_slice(b"\\n"),
            b'\r' => into.extend_from_slice(b"\\r"),
            b'\t' => into.extend_from_slice(b"\\t"),
            0..=0x1f => into.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => into.push(byte),
        }
    }
}

/// Whether `escape` would change nothing.
pub fn is_plain(text: &[u8]) -> bool {
    !text
        .iter()
        .any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
}
