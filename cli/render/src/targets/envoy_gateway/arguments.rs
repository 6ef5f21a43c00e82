//! The arguments of `portolan render --target envoy-gateway` beyond those of the target `istio`.

use clap::Args;

/// What belongs to the gateway and not to the policy.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct EnvoyGatewayArgs {
    /// The `GatewayClass` of the gateway. Default: eg. For `--target envoy-gateway`.
    #[arg(long, value_name = "NAME")]
    gateway_class: Option<String>,
    /// The SHA-256 of the filter at an `https` URL, or of the image's manifest at an `oci` one, in
    /// hexadecimal. For `--target envoy-gateway`.
    #[arg(long, value_name = "SUM", value_parser = sum)]
    wasm_sha256: Option<String>,
}

impl EnvoyGatewayArgs {
    pub(super) fn gateway_class(&self) -> &str {
        self.gateway_class.as_deref().unwrap_or("eg")
    }

    pub(super) fn wasm_sha256(&self) -> Option<&str> {
        self.wasm_sha256.as_deref()
    }

    /// An option that was typed, for a target that has no use for it.
    pub(crate) fn typed(&self) -> Option<&'static str> {
        let all = [
            (self.gateway_class.is_some(), "--gateway-class"),
            (self.wasm_sha256.is_some(), "--wasm-sha256"),
        ];
        all.into_iter().find_map(|(is_typed, option)| is_typed.then_some(option))
    }
}

fn sum(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_small = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.len() == 64 && digits.bytes().all(is_small) {
        Ok(digits.to_owned())
    } else {
        Err("write 64 hexadecimal digits, as `sha256sum` prints them".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        let digits = "0123456789abcdef".repeat(4);
        for good in [digits.clone(), format!("sha256:{digits}")] {
            assert_eq!(sum(&good).as_deref(), Ok(digits.as_str()), "{good}");
        }
        for bad in ["", "abc", &digits.to_uppercase(), &format!("{digits}0")] {
            assert!(sum(bad).is_err(), "{bad}");
        }
    }
}
