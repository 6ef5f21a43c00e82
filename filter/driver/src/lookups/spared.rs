//! Why a backend is asked after the others of its list, and who is asked first.

/// Why a backend is asked after the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spared {
    /// It has answered 429 lately.
    Limited,
    /// It has answered nothing for a while.
    Silent,
}

impl Spared {
    /// Every reason.
    pub(crate) const ALL: [Self; 2] = [Self::Limited, Self::Silent];

    /// The words for the access log.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Limited => "limited",
            Self::Silent => "not answering",
        }
    }
}

/// The places of a list that are asked first; `None` if that is all of them, or would be none.
pub(crate) fn first(list: &[Option<Spared>]) -> Option<Vec<usize>> {
    let places = list.iter().enumerate().filter(|(_, spared)| spared.is_none());
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    let helps = !places.is_empty() && places.len() < list.len();
    helps.then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spared_are_asked_after_the_others() {
        let of = |sign| match sign {
            'l' => Some(Spared::Limited),
            's' => Some(Spared::Silent),
            _ => None,
        };
        #[rustfmt::skip]
        let rows: [(&str, Option<&[usize]>, &str); 8] = [
            ("..", None, "nobody is spared"),
            ("l.", Some(&[1]), "the first"),
            (".l", Some(&[0]), "the second: it would be asked second anyway"),
            ("s.", Some(&[1]), "one that does not answer"),
            ("ls", None, "all are: as if none were"),
            (".l.", Some(&[0, 2]), "the order stays"),
            ("s.l", Some(&[1]), "one is left"),
            ("l", None, "there is nobody else"),
        ];
        for (list, expected, reason) in rows {
            let list: Vec<Option<Spared>> = list.chars().map(of).collect();
            assert_eq!(first(&list).as_deref(), expected, "{reason}");
        }
    }
}
