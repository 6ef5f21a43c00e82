//! Which Envoy it is that runs this module.
//!
//! The interface of modules has no version that a module could ask for, and Envoy loads one of any.
//! So the Envoy is known by its build id, which is the commit that it was built from.

use std::ffi::c_ulong;
use std::fmt::Write;

/// The Envoys that this module was tested with: their versions, and the commits that they are built
/// from.
pub(crate) const TESTED: [(&str, [u8; 20]); 1] = [(
    "1.40.0",
    [
        0x9e, 0x55, 0x80, 0x93, 0x37, 0x39, 0x77, 0x5e, 0x8b, 0xce, 0x69, 0x6a, 0x57, 0xa2, 0xe1,
        0xbc, 0x99, 0x36, 0x8f, 0x23,
    ],
)];

/// A header of a part of a program (ELF-64, "Program Header").
#[repr(C)]
struct Part {
    kind: u32,
    _flags: u32,
    _offset: u64,
    address: usize,
    _physical: u64,
    _size_in_file: u64,
    size: usize,
    _alignment: u64,
}

unsafe extern "C" {
    fn getauxval(kind: c_ulong) -> c_ulong;
}

/// Why this module does not serve in this program; none if it does.
pub(crate) fn refusal(build: Option<&[u8]>, lacks: Option<&str>) -> Option<String> {
    let is_tested = |build: &[u8]| TESTED.iter().any(|(_, tested)| tested == build);
    let what = match (build, lacks) {
        (Some(build), None) if is_tested(build) => return None,
        (Some(build), None) => {
            let mut digits = String::new();
            for byte in build {
                let _ = write!(digits, "{byte:02x}");
            }
            format!("this Envoy is another build, {digits}")
        }
        (None, None) => "this Envoy does not say which build it is".to_owned(),
        (_, Some(name)) => format!("this Envoy has no `{name}`"),
    };
    let versions: Vec<&str> = TESTED.iter().map(|(version, _)| *version).collect();
    let versions = versions.join(", ");
    Some(format!(
        "portolan: the native module is only for the official builds of Envoy {versions}, and {what}; run one of them, or render with `--filter wasm`"
    ))
}

/// The build id of the program that runs, as the linker has written it.
pub(crate) fn of_this_program() -> Option<Vec<u8>> {
    const HEADERS: c_ulong = 3;
    const COUNT: c_ulong = 5;
    const HEADERS_THEMSELVES: u32 = 6;
    const NOTE: u32 = 4;
    // SAFETY: the kernel tells a process where the headers of its program are in memory and how
    // many there are; they are not changed.
    let parts = unsafe {
        let start = getauxval(HEADERS) as *const Part;
        let count = usize::try_from(getauxval(COUNT)).ok()?;
        if start.is_null() {
            return None;
        }
        std::slice::from_raw_parts(start, count)
    };
    let headers = parts.iter().find(|part| part.kind == HEADERS_THEMSELVES)?;
    let base = (parts.as_ptr() as usize).wrapping_sub(headers.address);
    let mut notes = parts.iter().filter(|part| part.kind == NOTE).map(|part| {
        // SAFETY: a loaded program has its notes in memory, where the header says.
        unsafe {
            std::slice::from_raw_parts(base.wrapping_add(part.address) as *const u8, part.size)
        }
    });
    notes.find_map(build_id).map(<[u8]>::to_vec)
}

/// The build id among some notes (ELF, "Note Section"): lengths of name and content, a kind, the
/// name, the content, each in multiples of four bytes.
fn build_id(mut notes: &[u8]) -> Option<&[u8]> {
    const BUILD_ID: u32 = 3;
    loop {
        let (name_length, rest) = number(notes)?;
        let (length, rest) = number(rest)?;
        let (kind, rest) = number(rest)?;
        let (name, rest) = padded(rest, name_length)?;
        let (content, rest) = padded(rest, length)?;
        if kind == BUILD_ID && name == b"GNU\0" {
            return Some(content);
        }
        notes = rest;
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_ne_bytes(*number), rest))
}

fn padded(bytes: &[u8], length: u32) -> Option<(&[u8], &[u8])> {
    let length = usize::try_from(length).ok()?;
    let content = bytes.get(..length)?;
    Some((content, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

#[cfg(test)]
mod tests;
