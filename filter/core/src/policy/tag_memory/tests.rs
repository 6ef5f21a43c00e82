use super::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const SECOND: u64 = 1_000_000_000;
const NOON: u64 = 1_800_000_000 * SECOND;

fn question(key: &str) -> TagQuestion {
    TagQuestion { slot: 7, key: key.to_owned(), lifetime: Duration::from_mins(1) }
}

fn accepts(header: &str) -> Accepts {
    Accepts::of(&[header.as_bytes()])
}

#[test]
fn what_is_kept_counts_for_its_tag_its_lifetime_and_who_accepts_it() {
    let key = "far+near team/app:v1";
    let answer = TagAnswer::read(DIGEST.as_bytes(), INDEX.as_bytes()).unwrap();
    let kept = answer.print(&question(key), NOON);
    #[rustfmt::skip]
    let rows = [
        (key, INDEX, NOON, true, "at once"),
        (key, INDEX, NOON + 59 * SECOND, true, "within its lifetime"),
        (key, INDEX, NOON + 60 * SECOND, false, "over"),
        (key, INDEX, NOON - 1, false, "the clock was set back"),
        (key, "*/*", NOON, true, "whatever it is"),
        (key, IMAGE, NOON, false, "the client takes no index"),
        (key, "", NOON, false, "the client says nothing"),
        ("far+near team/app:v2", INDEX, NOON, false, "another tag of the slot"),
        ("near team/app:v1", INDEX, NOON, false, "other registries answer for it now"),
    ];
    for (key, accept, now, expected, reason) in rows {
        let found = recollect(&kept, &question(key), &accepts(accept), now);
        assert_eq!(found.as_ref().map(Digest::as_str), expected.then_some(DIGEST), "{reason}");
    }
}

#[test]
fn what_is_no_record_is_nothing() {
    let whole = format!("{NOON}\n{DIGEST}\n{INDEX}\nkey");
    for kept in [
        "",
        "\n\n\n",
        &format!("noon\n{DIGEST}\n{INDEX}\nkey"),
        &format!("{NOON}\nsha256:x\n{INDEX}\nkey"),
        &format!("{NOON}\n{DIGEST}\n{INDEX}"),
        &format!("{whole}\n"),
    ] {
        let found = recollect(kept.as_bytes(), &question("key"), &accepts("*/*"), NOON);
        assert_eq!(found, None, "{kept:?}");
    }
    assert!(recollect(whole.as_bytes(), &question("key"), &accepts("*/*"), NOON).is_some());
    assert_eq!(recollect(b"\xff", &question("key"), &accepts("*/*"), NOON), None);
}

#[test]
fn answers_that_say_what_a_tag_stands_for() {
    let sha512 = format!("sha512:{}", "0".repeat(128));
    #[rustfmt::skip]
    let rows = [
        (DIGEST, INDEX, Some(INDEX), ""),
        (DIGEST, "application/json; charset=utf-8", Some("application/json"), "parameters are none of the type"),
        (DIGEST, "", None, "no type"),
        (DIGEST, "a\nb", None, "a line break would end the record"),
        ("", INDEX, None, "the registry names no digest"),
        (&sha512, INDEX, None, "nodes keep none of these"),
    ];
    for (digest, media_type, expected, reason) in rows {
        let found = TagAnswer::read(digest.as_bytes(), media_type.as_bytes());
        assert_eq!(found.map(|found| found.media_type), expected, "{reason}");
    }
}

#[test]
fn media_types_that_a_client_accepts() {
    let both = format!("{INDEX}, {LIST};q=0.5,{IMAGE}");
    #[rustfmt::skip]
    let rows = [
        (both.as_str(), [true, true, true], true, "as clients of today"),
        (INDEX, [true, false, false], false, "of a list it would be given one image"),
        (IMAGE, [false, false, true], false, "of an index it would be given one image"),
        ("*/*", [true, true, true], false, "registries give one image to who names nothing"),
        ("application/*", [true, true, true], false, ""),
        ("text/*", [false, false, false], false, ""),
        ("Application/Vnd.OCI.Image.Index.V1+JSON", [true, false, false], false, "types have no case"),
        ("application/vnd.oci.image.index.v1+json;q=0, */*;q=0.1", [true, true, true], false, "the range names it as well"),
        ("application/vnd.oci.image.index.v1+json; q=0", [false, false, false], false, "refused"),
        ("", [false, false, false], false, ""),
    ];
    for (header, takes, names_indexes, reason) in rows {
        let accepts = accepts(header);
        let found = [INDEX, LIST, IMAGE].map(|kind| accepts.takes(kind));
        assert_eq!((found, accepts.names_indexes()), (takes, names_indexes), "{header}: {reason}");
    }
    // Go's clients send a header for each.
    assert!(Accepts::of(&[INDEX.as_bytes(), LIST.as_bytes()]).names_indexes());
}
