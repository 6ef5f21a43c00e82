//! A list of registries: a line `NAME URL [COUNTRIES]` for each.

use std::path::Path;

use super::file::read;

/// Names and URLs, and names and countries.
type Registries = (Vec<(String, String)>, Vec<(String, String)>);

/// Reads a list from a file.
///
/// # Errors
///
/// It cannot be read, or a line is none of a registry.
pub(super) fn file(path: &Path) -> Result<Registries, String> {
    of_text(&read(path)?).map_err(|why| format!("{}:{why}", path.display()))
}

fn of_text(text: &str) -> Result<Registries, String> {
    let (mut registries, mut near) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or(line);
        let words: Vec<&str> =
            line.split([' ', '\t', ';']).filter(|word| !word.is_empty()).collect();
        let (name, url) = match *words.as_slice() {
            [] => continue,
            [name, url] => (name, url),
            [name, url, ref countries @ ..] => {
                near.push((name.to_owned(), countries.join(",").replace(",,", ",")));
                (name, url)
            }
            [_] => {
                return Err(format!(
                    "{number}: write a name, a URL and perhaps countries, such as `quay https://quay.io CN,SG`"
                ));
            }
        };
        registries.push((name.to_owned(), url.to_owned()));
    }
    if registries.is_empty() {
        return Err(
            "1: there is no registry in it; write lines such as `quay https://quay.io CN,SG`"
                .to_owned(),
        );
    }
    Ok((registries, near))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let text = "# ours\nghcr  https://ghcr.io\n\nquay\thttps://quay.io CN, SG # two\n";
        let (registries, near) = of_text(text).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(registries, [pair("ghcr", "https://ghcr.io"), pair("quay", "https://quay.io")]);
        assert_eq!(near, [pair("quay", "CN,SG")]);
        for (text, expected) in
            [("", "1: there is no registry"), ("\nghcr\n", "2: write a name, a URL")]
        {
            assert!(of_text(text).unwrap_err().starts_with(expected), "{text}");
        }
    }
}
