//! From where an instance's events may be sent.

use super::*;

const CUSTOM: &str = "/api/public/hook/custom/event";
const BODY: &[u8] = b"{\"id\": 1}\n";
// HMAC-SHA256 of the body, as `openssl dgst -sha256 -hmac secret-of-signer` has it.
const SIGNED: &str = "84d6602a87b3e6bdba14f83cefd8199ace8c6071f5686b7673c6364ed90f8489";

/// Two sites that send from one network each, and one that sends from everywhere.
fn fenced() -> Vec<Instance> {
    let place = HeaderPlace { name: HeaderName::from_static("x-signature"), prefix: String::new() };
    [
        ("shower", "secret-of-shower", Strategy::Bearer, &["203.0.113.0/24"][..]),
        ("signer", "secret-of-signer", Strategy::HmacSha256(place, Encoding::Hex), &["learnault"]),
        ("rover", "secret-of-rover", Strategy::Bearer, &[]),
    ]
    .map(|(id, secret, strategy, networks)| Instance {
        allow_from: networks.iter().map(|text| text.parse::<Networks>().unwrap()).collect(),
        ..site(id, vec![credential("a", secret, strategy)])
    })
    .into()
}

#[test]
fn an_instance_is_fenced_by_its_networks() {
    let door = Door::new(&["custom"], &fenced(), Proxies::default(), 100);
    let refused = Err(Refusal::Unauthenticated(Doubt::OtherAddress));
    let (shown, signed) = (("authorization", "Bearer secret-of-shower"), ("x-signature", SIGNED));
    let roving = ("authorization", "Bearer secret-of-rover");
    for (header, address, is_known, expected) in [
        (shown, "203.0.113.7", true, Ok("shower")),
        (shown, "203.0.114.7", true, refused.clone()),
        (shown, "203.0.113.7", false, refused.clone()),
        (signed, "52.85.83.30", true, Ok("signer")),
        (signed, "52.85.84.30", true, refused.clone()),
        (signed, "52.85.83.30", false, refused.clone()),
        (roving, "2001:db8::1", true, Ok("rover")),
        (roving, "203.0.114.7", false, Ok("rover")),
    ] {
        let request = Request::builder().method("POST").uri(CUSTOM).header(header.0, header.1);
        let head = request.body(()).unwrap().into_parts().0;
        let client = Client { address: address.parse().unwrap(), is_known };
        let arrival = Arrival { client, declared: None, now: NOW };
        // Whoever is elsewhere is refused before its body is read.
        let claim = admit(&door, &head, arrival);
        let sender = claim.map(|claim| claim.confirm(&mut BODY.to_vec().into()).unwrap());
        assert_eq!(sender.map(|sender| sender.instance.as_str()), expected, "{header:?} {address}");
    }
}
