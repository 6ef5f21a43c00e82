//! Mistakes in a repository glob.

use crate::config::advice::text::shown;
use crate::config::repository_glob::RepositoryGlob;
use crate::config::wanted::Wanted;

/// What to write where a glob is expected.
pub(crate) const WANTED: Wanted<'static> = Wanted::explained(
    "a repository glob such as `drycc/**`, `library/*` or `team/tool`: lower-case \
     names with `*` inside a component and at most one `**` as a whole component",
    why,
);

/// Why a text is no glob.
pub(crate) fn why(text: &str) -> Option<String> {
    other_language(text)
        .or_else(|| more_than_a_name(text))
        .or_else(|| slashes(text))
        .or_else(|| letters(text))
}

/// `; write X` if X is a glob.
fn instead(glob: &str) -> String {
    match RepositoryGlob::parse(glob) {
        Some(_) => format!("; write `{}`", shown(glob)),
        None => String::new(),
    }
}

fn other_language(text: &str) -> Option<String> {
    let regex = text.contains(['^', '$', '(', ')', '\\', '|', '+']) || text.contains(".*");
    if regex {
        let plain = text.trim_matches(['^', '$']).replace("/.*", "/**").replace(".*", "*");
        return Some(format!(
            "looks like a regular expression; globs have `*` and `**`{}",
            instead(&plain)
        ));
    }
    let special =
        ['?', '[', ']', '{', '}', '!'].into_iter().find(|special| text.contains(*special))?;
    Some(format!(
        "has `{special}` in it; globs have `*` and `**` alone, so write one for each name"
    ))
}

/// Schemes, hosts, tags and digests.
fn more_than_a_name(text: &str) -> Option<String> {
    if let Some((_, rest)) = text.split_once("://") {
        let path = rest.split_once('/').map_or("", |(_, path)| path);
        return Some(format!("is a URL; a glob is about names of repositories{}", instead(path)));
    }
    if let Some((name, _)) = text.split_once('@') {
        return Some(format!("has a digest; a rule is for whole repositories{}", instead(name)));
    }
    let (name, tag) = text.rsplit_once(':')?;
    if tag.contains('/') {
        return Some(
            "has the port of a host in it; a glob is about names of repositories".to_owned(),
        );
    }
    Some(format!("has a tag; a rule is for whole repositories{}", instead(name)))
}

fn slashes(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix('/') {
        return Some(format!("begins with a slash; names have none there{}", instead(rest)));
    }
    if text.ends_with('/') {
        return Some(format!(
            "ends with a slash{} for all that is below",
            instead(&format!("{text}**"))
        ));
    }
    if text.contains("//") {
        return Some("has two slashes in a row; write one".to_owned());
    }
    let twice = text.split('/').filter(|component| *component == "**").count() > 1;
    if twice {
        return Some("has `**` twice; one may stand in a glob: write several globs".to_owned());
    }
    let component =
        text.split('/').find(|component| component.contains("**") && *component != "**")?;
    let single = text.replace("***", "*").replace("**", "*");
    Some(format!(
        "has `**` inside of `{}`; it stands for whole components, and `*` for a part of one{}",
        shown(component),
        instead(&single)
    ))
}

fn letters(text: &str) -> Option<String> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(format!(
            "has capitals; names of repositories are lower case{}",
            instead(&text.to_ascii_lowercase())
        ));
    }
    let known = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-*/".contains(*c);
    let Some(found) = text.chars().find(|c| !known(c)) else { return separators(text) };
    Some(format!(
        "has `{}` in it; names of repositories have `a` to `z`, `0` to `9`, `.`, `_`, `-` and `/`",
        shown(&found.to_string())
    ))
}

/// A component whose letters are those of names, and that is none.
fn separators(text: &str) -> Option<String> {
    let is_none =
        |component: &&str| *component != "**" && RepositoryGlob::parse(component).is_none();
    let component = text.split('/').find(is_none)?;
    Some(format!(
        "has `{}` in it, which no name matches: between letters and digits stands one `.`, `_`, `__`, or hyphens, \
         and nothing else before the first and behind the last",
        shown(component)
    ))
}
