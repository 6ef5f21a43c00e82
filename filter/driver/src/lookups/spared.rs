//! The reason for asking a backend last, and the order of the list then.

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

/// The places of a list in the order in which they are asked; `None` if all are spared, or none is.
pub(crate) fn order(list: &[Option<Spared>]) -> Option<Vec<usize>> {
    let is_spared = |(_, spared): &(usize, &Option<Spared>)| spared.is_some();
    let (spared, others): (Vec<_>, Vec<_>) = list.iter().enumerate().partition(is_spared);
    let helps = !spared.is_empty() && !others.is_empty();
    helps.then(|| others.into_iter().chain(spared).map(|(place, _)| place).collect())
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
            ("l.", Some(&[1, 0]), "the first"),
            (".l", Some(&[0, 1]), "the second: it would be asked second anyway"),
            ("s.", Some(&[1, 0]), "one that does not answer"),
            ("ls", None, "all are: as if none were"),
            (".l.", Some(&[0, 2, 1]), "the order stays"),
            ("s.l", Some(&[1, 0, 2]), "one is left"),
            ("l", None, "there is nobody else"),
        ];
        for (list, expected, reason) in rows {
            let list: Vec<Option<Spared>> = list.chars().map(of).collect();
            assert_eq!(order(&list).as_deref(), expected, "{reason}");
        }
    }
}
