//! The output of iperf3 with `--json`.

use portolan_registry_client::fault::Fault;
use serde::{Deserialize, Serialize};

/// How much came through.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Rate {
    /// Bits a second that the receiver got, of all streams together.
    pub(crate) bits_per_second: f64,
    /// How many bytes those were.
    pub(crate) bytes: u64,
    /// How many segments the sender sent again; none where its system does not count them.
    pub(crate) retransmits: Option<u64>,
}

/// The parts that count. On an error the rest is empty, and the exit status says nothing.
#[derive(Deserialize)]
struct Output {
    error: Option<String>,
    #[serde(default)]
    end: End,
}

#[derive(Default, Deserialize)]
struct End {
    sum_sent: Option<Sum>,
    sum_received: Option<Sum>,
}

#[derive(Deserialize)]
struct Sum {
    bytes: u64,
    bits_per_second: f64,
    retransmits: Option<u64>,
}

/// Reads it.
///
/// # Errors
///
/// iperf3 says that it failed, or prints something else.
pub(super) fn read(text: &[u8]) -> Result<Rate, Fault> {
    let output: Output = serde_json::from_slice(text).map_err(|error| {
        Fault::new(format_args!("iperf3 printed what is not its JSON: {error}"))
    })?;
    if let Some(error) = output.error {
        return Err(Fault::new(format_args!("iperf3: {error}")));
    }
    match (output.end.sum_sent, output.end.sum_received) {
        (Some(sent), Some(received)) => Ok(Rate {
            bits_per_second: received.bits_per_second,
            bytes: received.bytes,
            retransmits: sent.retransmits,
        }),
        _ => Err(Fault::new("iperf3 printed no sums; is it version 3?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As iperf 3.12 prints it, with round numbers and without what nobody reads.
    const SINGLE: &str = r#"{
        "start": {
            "connected": [{"socket": 5, "local_host": "192.0.2.7", "local_port": 48184, "remote_host": "192.0.2.1", "remote_port": 5201}],
            "version": "iperf 3.12",
            "test_start": {"protocol": "TCP", "num_streams": 1, "blksize": 131072, "omit": 0, "duration": 5, "reverse": 0}
        },
        "intervals": [],
        "end": {
            "streams": [{
                "sender": {"socket": 5, "start": 0, "end": 5.0, "seconds": 5.0, "bytes": 62500000, "bits_per_second": 1e8, "retransmits": 3, "max_snd_cwnd": 785796, "mean_rtt": 40000, "sender": true},
                "receiver": {"socket": 5, "start": 0, "end": 5.04, "seconds": 5.0, "bytes": 62000000, "bits_per_second": 9.84e7, "sender": true}
            }],
            "sum_sent": {"start": 0, "end": 5.0, "seconds": 5.0, "bytes": 62500000, "bits_per_second": 1e8, "retransmits": 3, "sender": true},
            "sum_received": {"start": 0, "end": 5.04, "seconds": 5.04, "bytes": 62000000, "bits_per_second": 9.84e7, "sender": true},
            "cpu_utilization_percent": {"host_total": 1.5, "remote_total": 2.5},
            "sender_tcp_congestion": "cubic",
            "receiver_tcp_congestion": "cubic"
        }
    }"#;

    #[test]
    fn outputs() {
        let reverse_of_a_mac = r#"{"end": {
            "sum_sent": {"bytes": 100, "bits_per_second": 80.0, "sender": false},
            "sum_received": {"bytes": 90, "bits_per_second": 72.0, "sender": false}}}"#;
        let rate =
            |bits_per_second, bytes, retransmits| Ok(Rate { bits_per_second, bytes, retransmits });
        #[rustfmt::skip]
        let rows = [
            (SINGLE, rate(9.84e7, 62_000_000, Some(3)), "what arrived counts, not what was sent"),
            (reverse_of_a_mac, rate(72.0, 90, None), "no retransmissions are counted there"),
            (r#"{"start": {"connected": []}, "intervals": [], "end": {}, "error": "unable to connect to server: Connection refused"}"#,
                Err("unable to connect to server: Connection refused"), "nobody listens"),
            (r#"{"start": {}, "intervals": [], "end": {}, "error": "the server is busy running a test. try again later"}"#,
                Err("the server is busy"), "one client at a time"),
            (r#"{"start": {}, "intervals": [], "end": {}}"#, Err("no sums"), "an empty end"),
            ("", Err("not its JSON"), "nothing at all"),
            ("iperf3: unrecognized option", Err("not its JSON"), "words"),
        ];
        for (text, wanted, reason) in rows {
            match (read(text.as_bytes()), wanted) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{reason}"),
                (Err(found), Err(wanted)) => {
                    assert!(found.to_string().contains(wanted), "{reason}: {found}");
                }
                (found, _) => panic!("{reason}: {found:?}"),
            }
        }
    }
}
