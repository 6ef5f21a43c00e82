//! How Envoy is called.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Envoy with a configuration. What is told in `more` comes last.
pub(super) fn envoy(program: &Path, configuration: &Path, more: &[String]) -> Command {
    let mut command = Command::new(program);
    command.arg("-c").arg(configuration);
    // Hot restart needs a second Envoy that is started with the same numbers, and shared memory for
    // both. Whoever runs a container or a unit replaces the whole process.
    command.arg("--disable-hot-restart");
    // Access logs are kept back for 10 s unless told (envoy/source/server/options_impl.cc): for
    // whoever looks at a container's log to see what happens, that is too long.
    command.args(["--file-flush-interval-msec", "500"]);
    command.args(more);
    // A terminal sends Ctrl-C to a whole process group, and Envoy would end before its requests
    // have.
    command.process_group(0);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_the_command_line_come_last() {
        let more = ["--concurrency".to_owned(), "2".to_owned()];
        let command = envoy(Path::new("envoy"), Path::new("/run/portolan/envoy.yaml"), &more);
        let words: Vec<_> = command.get_args().map(|word| word.to_str().unwrap()).collect();
        let line = "-c /run/portolan/envoy.yaml --disable-hot-restart --file-flush-interval-msec 500 --concurrency 2";
        assert_eq!(words.join(" "), line);
    }
}
