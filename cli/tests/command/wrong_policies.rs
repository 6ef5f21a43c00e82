//! What people write wrong, and what they are told: the place, the cause once, and what to write.

use std::path::Path;

use crate::portolan::Directory;

const GOOD: &str = "\
version: 1
fronts:
  main: {hosts: [registry.example.com, \"127.0.0.1:8080\"], health: true}
backends:
  asia: {url: \"https://asia.example\"}
  eu: {url: \"https://eu.example\"}
regions:
  apac: {networks: [203.0.113.0/24], countries: [CN, JP]}
  default: {}
clients: {geo: {database: /etc/portolan/geoip.mmdb}}
rules:
  - name: team
    repositories: [\"team/**\"]
    owner: eu
    replicas: [asia, eu]
    chains: {apac: [asia, eu], default: [eu, asia]}
";

/// Each row replaces one text by another; the last is all that is told, without the file's name.
fn check(rows: &[(&str, &str, &str)]) {
    for (from, to, expected) in rows {
        assert!(GOOD.contains(from), "{from}");
        let directory = Directory::with(&[("p.yaml", &GOOD.replacen(from, to, 1))]);
        let run = directory.run(&["check", "p.yaml"]);
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{from} -> {to}");
        let told: Vec<&str> =
            run.stderr.lines().map(|line| line.strip_prefix("p.yaml:").unwrap_or(line)).collect();
        assert_eq!(told.join("\n"), *expected, "{from} -> {to}");
    }
}

#[test]
fn the_policy_that_they_begin_with_is_good() {
    let run = Directory::with(&[("p.yaml", GOOD)]).run(&["check", "--strict", "p.yaml"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
}

#[test]
fn fields() {
    #[rustfmt::skip] // one row a case
    let rows = [
        ("repositories:", "repositiories:", "13:5: rules[0].repositiories: there is no such field; did you mean `repositories`?"),
        ("backends:", "backend:", "4:1: backend: there is no such field; did you mean `backends`?"),
        ("backends:", "Backends:", "4:1: Backends: there is no such field; did you mean `backends`?"),
        ("version: 1\n", "version: 1\nnetworks_files: [x.yaml]\n", "2:1: networks_files: there is no such field; did you mean `network_files`?"),
        ("replicas:", "readYourWrites: 60s\n    replicas:", "15:5: rules[0].readYourWrites: there is no such field; did you mean `read_your_writes`?"),
        ("chains: {apac", "mirrors: {apac", "16:5: rules[0].mirrors: there is no such field; did you mean `chains`?"),
        ("chains: {apac: [asia, eu], default: [eu, asia]}", "backends: [eu, asia]", "16:5: rules[0].backends: there is no such field; did you mean `chains`?"),
        ("version: 1\n", "version: 1\nhosts: [r.example]\n", "2:1: hosts: there is no such field here; `hosts` is a field of `fronts.NAME`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", readers: anyone}", "6:35: backends.eu.readers: there is no such field here; `readers` is a field of `rules[]`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", username: bob}", "6:35: backends.eu.username: there is no such field; did you mean `credential`?"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", insecure: true}", "6:35: backends.eu.insecure: there is no such field, because certificates are verified always; for a CA of your own write `tls: {ca_file: FILE}`"),
        ("default: [eu, asia]}", "default: [{name: eu, share: 5}, asia]}", "16:43: rules[0].chains.default[0].name: there is no such field; did you mean `backend`?"),
        ("database:", "databse:", "10:17: clients.geo.databse: there is no such field; did you mean `database`?"),
    ];
    check(&rows);
}

#[test]
fn names() {
    #[rustfmt::skip] // one row a case
    let rows = [
        ("[asia, eu], default", "[aisa, eu], default", "16:21: rules[0].chains.apac[0]: there is no backend `aisa`; did you mean `asia`? The backends are `asia`, `eu`"),
        ("{apac: [asia", "{apacc: [asia", "16:14: rules[0].chains.apacc: there is no region `apacc`; did you mean `apac`? The regions are `apac`, `default`"),
        ("owner: eu", "owner: third", "14:5: rules[0].owner: there is no backend `third`; the backends are `asia`, `eu`"),
        ("owner: eu", "owner: ue", "14:5: rules[0].owner: there is no backend `ue`; did you mean `eu`? The backends are `asia`, `eu`"),
        ("owner: eu", "owner: eu\n    fronts: [mian]", "15:14: rules[0].fronts[0]: there is no front `mian`; did you mean `main`?"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", auth: basic, credential: nope}", "6:48: backends.eu.credential: there is no credential of this name; write its file under `credentials`, and its name here"),
        ("owner: eu", "owner: \"{{ .Values.owner }}\"", "14:5: rules[0].owner: `{{ .Values.owner }}` is a template that was not filled in; check what comes out of it"),
        ("owner: eu", "owner: |\n      eu", "14:5: rules[0].owner: `eu\\n` has a space or a line break around it; write `eu`"),
        ("owner: eu", "owner: eu\u{200b}", "14:5: rules[0].owner: `eu\\u{200b}` has a character in it that cannot be seen (U+200B); type it anew"),
        ("name: team", "name: 123", "12:5: rules[0].name: `123` is a number to YAML; write it in quotes: `\"123\"`"),
        ("  asia: {url", "  1: {url", "5:3: the key `1` is a number; put it in quotes: `\"1\"`"),
        ("apac: {networks", "亚太: {networks", "8:3: regions[\"亚太\"]: the name has `亚` in it; names have letters from `a` to `z`, digits, `-`, `_` and `.`\n16:14: rules[0].chains.apac: there is no region `apac`; the regions are `default`, `亚太`"),
        ("[asia, eu], default", "[asia, asia], default", "16:27: rules[0].chains.apac[1]: `asia` stands twice; a backend is tried once"),
        ("[registry.example.com, \"127.0.0.1:8080\"]", "[registry.example.com, registry.example.com]", "3:40: fronts.main.hosts[1]: the host `registry.example.com` stands twice; write it once"),
    ];
    check(&rows);
}

#[test]
fn kinds_of_values() {
    #[rustfmt::skip] // one row a case
    let rows = [
        ("[\"team/**\"]", "\"team/**\"", "13:5: rules[0].repositories: is a string; write a list of repository globs, also for one: `[\"team/**\"]`"),
        ("backends:\n  asia: {url: \"https://asia.example\"}\n  eu: {url: \"https://eu.example\"}", "backends:\n  - {name: asia}", "4:1: backends: is a list; write a mapping of backends by name: no `-` before them, and a colon behind each name"),
        ("eu: {url: \"https://eu.example\"}", "eu: https://eu.example", "6:3: backends.eu: is a string; write `{url: https://eu.example}`"),
        ("hosts: [registry.example.com, \"127.0.0.1:8080\"]", "hosts: registry.example.com", "3:10: fronts.main.hosts: is a string; write a list of hosts as clients send them, such as `registry.example.com`, also for one: `[\"registry.example.com\"]`"),
        ("chains: {apac: [asia, eu], default: [eu, asia]}", "chains: [eu, asia]", "16:5: rules[0].chains: is a list; write a mapping from regions to lists of backends, nearest first: no `-` before them, and a colon behind each name"),
        ("default: [eu, asia]", "default: eu", "16:32: rules[0].chains.default: is a string; write a list of backends, nearest first, also for one: `[\"eu\"]`"),
        ("rules:\n  - name: team", "rules:\n  team:\n    name: team", "11:1: rules: is a mapping; write a list of rules, with a `-` before each"),
        ("owner: eu", "owner: [eu]", "14:5: rules[0].owner: is a list; write one value: `eu`"),
        ("owner: eu", "owner:", "14:5: rules[0].owner: is empty; write the name of a backend"),
        ("version: 1", "version: \"1\"", "1:1: version: is the text `1`; write the number `1`"),
        ("version: 1", "version: 1.0", "1:1: version: is 1.0; write `version: 1`"),
        ("version: 1", "version: 2", "1:1: version: is 2; this release reads version 1 only"),
        ("health: true", "health: yes", "3:59: fronts.main.health: is the text `yes`; write `true`"),
        ("health: true", "health: \"true\"", "3:59: fronts.main.health: is the text `true`, in quotes; write `true` without them"),
        ("health: true", "health: 1", "3:59: fronts.main.health: is the number 1; write `true`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", limits: {connections: -1}}", "6:44: backends.eu.limits.connections: is -1; write a whole number from 1 to 1000000"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", limits: {connections: \"100\"}}", "6:44: backends.eu.limits.connections: is the text `100`; write the number `100`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", limits: {connections: 1.5}}", "6:44: backends.eu.limits.connections: is 1.5; write a whole number from 1 to 1000000"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", limits: {connections: 10_000}}", "6:44: backends.eu.limits.connections: is the text `10_000`; write the number `10000`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", limits: 100}", "6:35: backends.eu.limits: is a number; write a mapping"),
        ("countries: [CN, JP]", "countries: CN, JP", "8:38: regions.apac.countries: is a string; write a list, each an ISO 3166-1 code of two letters such as `US`, also for one: `[\"CN\"]`"),
        ("rules:\n", "rules:\n  -\n", "12:4: rules[0]: is empty; write `name`, `repositories` and `chains`"),
        ("default: {}", "default: everybody", "9:3: regions.default: is a string; write a mapping"),
    ];
    check(&rows);
}

#[test]
fn texts() {
    #[rustfmt::skip] // one row a case
    let rows = [
        ("https://eu.example", "eu.example", "6:8: backends.eu.url: `eu.example` has no scheme; write `https://eu.example`, or `http://eu.example` where it speaks plain HTTP"),
        ("https://eu.example", "ftp://eu.example", "6:8: backends.eu.url: `ftp://eu.example` has the scheme `ftp`; registries are reached by `https` or `http`: write `https://eu.example`"),
        ("https://eu.example", "https:/eu.example", "6:8: backends.eu.url: `https:/eu.example` has a scheme that does not end in `://`; write `https://eu.example`"),
        ("https://eu.example", "https://eu.example:123002", "6:8: backends.eu.url: `https://eu.example:123002` has the port 123002; ports go from 1 to 65535"),
        ("https://eu.example", "https://eu.example:0", "6:8: backends.eu.url: `https://eu.example:0` has the port 0; ports go from 1 to 65535"),
        ("https://eu.example", "http://::1:5000", "6:8: backends.eu.url: `http://::1:5000` has an IPv6 address without brackets; write `[::1]:5000` if the last is a port, else `[::1:5000]`"),
        ("https://eu.example", "https://eu.example?x=1", "6:8: backends.eu.url: `https://eu.example?…` has a query (`?…`) at its end; leave it out"),
        ("https://eu.example", "https://eu.example ", "6:8: backends.eu.url: `https://eu.example ` has a space or a line break around it; write `https://eu.example`"),
        ("https://eu.example", "${EU_URL}", "6:8: backends.eu.url: `${EU_URL}` has a variable in it, and nothing fills it in here; write its value"),
        ("https://eu.example", "https://bob:secret@eu.example", "6:8: backends.eu.url: has a user name or a password in it, and URLs stand in logs; take it out, write them into a file of `credentials`, and its name as the backend's `credential`"),
        ("registry.example.com", "https://registry.example.com", "3:18: fronts.main.hosts[0]: `https://registry.example.com` is a URL; write its host: `registry.example.com`"),
        ("registry.example.com", "\"*.example.com\"", "3:18: fronts.main.hosts[0]: `*.example.com` has a `*` in it; each host is written by itself, and a front with `default: true` has all others"),
        ("registry.example.com", "régistry.example.com", "3:18: fronts.main.hosts[0]: `régistry.example.com` has letters that are not ASCII in its host; write the form with `xn--`"),
        ("registry.example.com", "<your-host>", "3:18: fronts.main.hosts[0]: `<your-host>` has a place that was not filled in (`<…>`); write what belongs there"),
        ("203.0.113.0/24", "10.1.2.3/8", "8:21: regions.apac.networks[0]: `10.1.2.3/8` has bits behind its length of 8; write `10.0.0.0/8`, or `10.1.2.3` for this address alone"),
        ("203.0.113.0/24", "10.0.0.0/33", "8:21: regions.apac.networks[0]: `10.0.0.0/33` has the length `33`; the length of an IPv4 prefix is a number from 0 to 32"),
        ("203.0.113.0/24", "10.0.0.0/255.0.0.0", "8:21: regions.apac.networks[0]: `10.0.0.0/255.0.0.0` has a mask for its length; write `10.0.0.0/8`"),
        ("203.0.113.0/24", "10.0.0.1-10.0.0.9", "8:21: regions.apac.networks[0]: `10.0.0.1-10.0.0.9` is a range; write the prefixes that it is made of, such as `10.0.0.0/29`"),
        ("CN, JP", "China", "8:50: regions.apac.countries[0]: `China` is no code of ISO 3166-1; write `CN`"),
        ("CN, JP", "EU", "8:50: regions.apac.countries[0]: `EU` is no country; write `continents: [EU]`, or each of its countries"),
        ("countries: [CN, JP]", "continents: [Asia]", "8:51: regions.apac.continents[0]: `Asia` is no code of a continent; write `AS`"),
        ("countries: [CN, JP]", "subdivisions: [US_CA]", "8:53: regions.apac.subdivisions[0]: `US_CA` has no hyphen; write `US-CA`"),
        ("team/**", "team/**x", "13:20: rules[0].repositories[0]: `team/**x` has `**` inside of `**x`; it stands for whole components, and `*` for a part of one; write `team/*x`"),
        ("team/**", "Team/**", "13:20: rules[0].repositories[0]: `Team/**` has capitals; names of repositories are lower case; write `team/**`"),
        ("team/**", "^team/.*$", "13:20: rules[0].repositories[0]: `^team/.*$` looks like a regular expression; globs have `*` and `**`; write `team/**`"),
        ("team/**", "/team/**", "13:20: rules[0].repositories[0]: `/team/**` begins with a slash; names have none there; write `team/**`"),
        ("team/**", "team/app:v1", "13:20: rules[0].repositories[0]: `team/app:v1` has a tag; a rule is for whole repositories; write `team/app`"),
        ("\"team/**\"", "“team/**”", "13:20: rules[0].repositories[0]: `“team/**”` has typographic quotes in it; write plain ones (`\"`), or none"),
        ("team/**", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "13:20: rules[0].repositories[0]: `AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA…` has capitals; names of repositories are lower case; write `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", attempt_timeouts: {blobs: 10}}", "6:54: backends.eu.attempt_timeouts.blobs: `10` has no unit; write `10s`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", attempt_timeouts: {blobs: 1.5s}}", "6:54: backends.eu.attempt_timeouts.blobs: `1.5s` has a fraction; write a whole number, such as `1500ms`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", ejection: {time: 1d}}", "6:46: backends.eu.ejection.time: `1d` has the unit `d`; write `24h`"),
        ("owner: eu", "owner: eu\n    readers: everyone", "15:5: rules[0].readers: `everyone` is not valid; write `authenticated`, `{networks: [LABEL]}` or, for everybody, `anyone`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", auth: tokens}", "6:35: backends.eu.auth: `tokens` is not valid; did you mean `token`?"),
    ];
    check(&rows);
}

#[test]
fn yaml() {
    #[rustfmt::skip] // one row a case
    let rows = [
        ("owner: eu", "owner eu", "14:5: a colon is missing; write `owner: eu`"),
        ("owner: eu", "owner:eu", "14:5: a space is missing behind the colon; write `owner: eu`"),
        ("owner: eu", "owner = eu", "14:5: a colon belongs here, and no `=`; write `owner: eu`"),
        ("owner: eu", "owner: eu: x", "14:12: a text with a colon in it must be in quotes; write `owner: \"eu: x\"`"),
        ("owner: eu", "owner: {eu", "14:12: the `{` that is opened here is not closed; write `}`"),
        ("replicas: [asia, eu]", "replicas: [asia, eu", "15:15: the `[` that is opened here is not closed; write `]`"),
        ("replicas: [asia, eu]", "replicas: [asia, eu]]", "15:25: nothing is open that this `]` closes; take it out"),
        ("\"team/**\"", "\"team/**", "13:20: the quote that is opened here is not closed on its line; write `\"` behind the text"),
        ("    owner", " \towner", "14:3: a tab cannot indent YAML; indent with spaces"),
        ("    owner", "   owner", "14:4: this line is indented by 3 spaces, and the lines that it could belong to by 0 or 2 or 4"),
        ("    owner", "      owner", "14:7: this line is indented more than `repositories` above it, which has a value already; indent it by 4 spaces, as that"),
        ("    owner", "  owner", "14:3: this line is indented as the `-` above it; indent it by 4 spaces, as what is behind the `-`"),
        ("  - name", "  -name", "12:3: a space is missing behind the `-`; write `- name: team`"),
        ("[\"team/**\"]", "[**]", "13:20: there is no anchor for `**`; a text that starts with `*` must be in quotes: \"**\""),
        ("owner: eu", "owner: @eu", "14:12: a text cannot start with `@`; put it in quotes"),
        ("owner: eu", "owner: !env EU", "14:12: a value with a tag (`!`) is not read; write the value alone"),
        ("owner: eu", "<<: {owner: eu}", "14:5: merge keys (`<<`) are not read; write the fields out, or repeat a whole value with an alias (`*name`)"),
        ("owner: eu", "owner: eu\n    owner: asia", "15:5: the key `owner` stands twice in its mapping; keep one of the two"),
        ("owner: eu", "owner: {{ .Values.owner }}", "14:13: `{{ .Values.owner }}` is a template that was not filled in; check what comes out of it"),
        ("regions:", "---\nregions:", "8:1: a second document starts here; a policy is one document, so take out the `---`"),
    ];
    check(&rows);
}

/// Policies of others, where somebody has put some beside the tree: none is told of without a
/// place, in the parser's own words, or in more than two lines.
#[test]
fn policies_beside_the_tree() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/policies");
    let Ok(entries) = std::fs::read_dir(&beside) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let run = Directory::with(&[]).run(&["check", path.to_str().unwrap()]);
        let lines: Vec<&str> = run.stderr.lines().collect();
        assert!(run.status < 2, "{path:?}: {lines:#?}");
        let is_bare = run.stderr.contains("is missing");
        assert!(lines.len() <= if is_bare { 4 } else { 2 }, "{path:?}: {lines:#?}");
        assert!(!run.stderr.contains("this is not YAML"), "{path:?}: {lines:#?}");
        let is_placed = |line: &&str| line.starts_with(&format!("{}:", path.display()));
        assert!(lines.iter().all(is_placed), "{path:?}: {lines:#?}");
    }
}

#[test]
fn slips_of_other_places() {
    #[rustfmt::skip] // one row a case
    let rows = [
        ("https://eu.example", "http://https://eu.example", "6:8: backends.eu.url: `http://https://eu.example` has two schemes; write `https://eu.example`"),
        ("CN, JP", "\"CN,JP\"", "8:50: regions.apac.countries[0]: `CN,JP` is more than one; write each by itself: `[CN, JP]`"),
        ("default: [eu, asia]", "default: [{asia: 5}, eu]", "16:42: rules[0].chains.default[0]: has no field `backend`; write `{backend: asia, share: 5}`"),
        ("default: [eu, asia]", "default: [{backend: eu, share: 100}, asia]", "16:56: rules[0].chains.default[0].share: is 100; write a whole number of percent from 1 to 99"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", attempt_timeouts: {blobs: 1m30s}}", "6:54: backends.eu.attempt_timeouts.blobs: `1m30s` has two units; write one: `90s`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", attempt_timeouts: {blobs: \"01:30\"}}", "6:54: backends.eu.attempt_timeouts.blobs: `01:30` is written as a clock shows it; write `90s`"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", limits: {requests: 0}}", "6:44: backends.eu.limits.requests: is 0; write a whole number from 1 to 1000000"),
        ("eu: {url: \"https://eu.example\"}", "eu: {url: \"https://eu.example\", htpasswd: /etc/x}", "6:35: backends.eu.htpasswd: there is no such field; did you mean `auth`?"),
        ("  asia: {url: \"https://asia.example\"}\n", "", "14:16: rules[0].replicas[0]: there is no backend `asia`; the only backend is `eu` (in 2 more places, too)"),
        ("owner: eu", "// owner", "14:5: a comment starts with `#`; write `# owner`"),
        ("owner: eu", "<<<<<<< HEAD", "14:5: a merge was not finished here; keep one of the two versions"),
        ("203.0.113.0/24", "203.0.113", "8:21: regions.apac.networks[0]: `203.0.113` has 3 of the four numbers of an address; write `203.0.113.0/24`"),
    ];
    check(&rows);
}
