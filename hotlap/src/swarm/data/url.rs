//! What may stand in an address as it is.

/// Whether a byte stands for itself anywhere in an address (RFC 3986).
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Append a text as it stands in a path or a query.
pub fn percent(value: &[u8], into: &mut Vec<u8>) {
    for &byte in value {
        if is_unreserved(byte) {
            into.push(byte);
        } else {
            let digits = b"0123456789ABCDEF";
            into.extend_from_slice(&[
                b'%',
                digits[usize::from(byte >> 4)],
                digits[usize::from(byte & 15)],
            ]);
        }
    }
}
