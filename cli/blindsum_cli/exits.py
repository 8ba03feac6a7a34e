"""Exit codes and the words that an error ends with: the rule, what was expected, the next step."""

from typing import Final

from rich.markup import escape

from blindsum_cli.console import advise, note
from blindsum_crypto.errors import BlindsumError, Unavailable

DONE: Final = 0
RULE_BROKE: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3

_SERVE: Final = "Start `blindsum aggregator serve`, or correct --aggregator and the TLS options."
_ENROLLED: Final = "Use the key that the operator enrolled; `blindsum keys show` compares them."
_ENROL_ANEW: Final = (
    "This store came from a backup or lost its instance. Enrol the custodian anew with new keys: "
    "`blindsum keys new`, then `blindsum custodian enrol`."
)
_NEW_KEYS: Final = (
    "The party that is named makes new keys, `blindsum keys new`, and says where it got these."
)
_COMMITTEE: Final = (
    "Use --custodians 4 --threshold 2 (or 7 and 3): at most 35 parts, and more custodians than "
    "colluders."
)
_MISTRUST: Final = (
    "What came does not verify. Take no further part, keep the --state folder, and ask the "
    "operator for the transcript: `blindsum verify FOLDER --digest DIGEST`; docs/runbook.md, "
    "section 4, says more."
)
_OWN_FLOOR: Final = (
    "Your own policy forbids what the study wants; talk to the operator before you change it."
)
_ONE_SEAL: Final = (
    "Nothing to repair: one contribution a round, ever. Run `blindsum client contribute` for the "
    "next round; `blindsum client verify STUDY.manifest --round NUMBER` says what came of this one."
)
_FRESH_MODEL: Final = "Fetch the present model with `blindsum client model` and train from it."
_LOOK: Final = "See how the study stands: `blindsum round status`."

NEXT_STEPS: Final = {
    "wrong-passphrase-or-damaged-key-file": "Try the passphrase again; restore the file from a "
    "backup if it is damaged.",
    "key-file-permissions": "chmod 600 the key file, and ask who could have read it meanwhile.",
    "key-file-exists": "Choose another name; a key file is never overwritten.",
    "amendment-empty": "Say what is to change: `blindsum study amend --help` lists it.",
    "amendment-known-party": "Who left or was revoked comes back under a new name and new keys: "
    "`blindsum keys new`.",
    "amendment-rotation": "Give the NAME.identity with the new keys and the identity as it was: "
    "`blindsum keys rotate` makes it.",
    "identity-party": "Give the NAME.identity that `blindsum keys rotate` made; who lost its "
    "identity is revoked, and joins under a new name.",
    "amendment-committee": "Name another committee: --seat, --unseat, --threshold, --quorum.",
    "amendment-number": "Get the operator's newest STUDY.manifest; amendments follow each other "
    "without gaps.",
    "amendment-exists": "Two files hold different amendments of one number. Go on from the file "
    "that the aggregator has, and amend again.",
    "amendment-privacy": "The promise of this study needs the roster that it was signed for; other "
    "clients need a new study.",
    "amendment-signed": "Leave --replace out: it is signed by all, so amend the study once more.",
    "no-amendment": "Make one with `blindsum study amend`.",
    "revoked": "This party's keys count no longer: the operator revoked them by an amendment.",
    "unknown-party": "`blindsum study show` lists everybody who is enrolled.",
    "key-file-missing": "Correct --key, or make a key file with `blindsum keys new`.",
    "no-passphrase": "Give --passphrase-file, or set BLINDSUM_PASSPHRASE.",
    "short-passphrase": "Choose a longer passphrase; a password manager makes good ones.",
    "study-toml": "Compare study.toml with `blindsum study create --example`.",
    "no-identity": "Give the party's NAME.identity with --identity; `blindsum keys new` makes it.",
    "unknown-seal": 'In study.toml: `seals = ["ckks"]`, or "masking".',
    "one-seal": 'In study.toml name one: `seals = ["ckks"]` or `seals = ["masking"]`. For both, '
    "make two studies.",
    "schedule": "Correct [schedule] in study.toml; `blindsum study create --example` explains it.",
    "enrolled-twice": "Name every party once in study.toml, and give each a key file of its own: "
    "`blindsum keys new`.",
    "small-order-key": _NEW_KEYS,
    "non-canonical-key": _NEW_KEYS,
    "bad-wrap-key": _NEW_KEYS,
    "bad-signature": "It was altered, or another key signed it. A file: get it anew from its party "
    "and compare fingerprints out of band. An answer: another party listens at --aggregator.",
    "identifier": "Choose a name of a-z, 0-9 and . _ - that begins with a letter or digit.",
    "committee-size": _COMMITTEE,
    "committee-threshold": _COMMITTEE,
    "too-many-parts": _COMMITTEE,
    "identity-role": "Correct the name in study.toml; or the party made its keys with another "
    "--role and needs new ones.",
    "model-file": "Write the model with numpy.savez, one named floating-point array each.",
    "manifest-digest": "Compare the digest with the operator out of band; do not go on until it "
    "fits.",
    "unsigned-manifest": "Ask the operator to run `blindsum study sign`.",
    "officer-approval": "Ask the privacy officer to run `blindsum study sign` on STUDY.manifest, "
    "for the manifest and for every amendment of it. The operator may take an unsigned amendment "
    "back: `blindsum study amend --replace`.",
    "manifest-expired": "Ask the operator for a new study; an expired one opens no round.",
    "manifest-not-yet-valid": "Wait until the study begins; `blindsum study show` says when.",
    "operator-key": "Use the key of the operator; `blindsum study show` says who that is.",
    "officer-key": "Use the key of the officer; `blindsum study show` says who that is.",
    "not-a-party": "Use the key of a party of this study; `blindsum study show` lists them.",
    "not-enrolled": "Use the key that the operator enrolled; `blindsum keys show` compares them. "
    "Who left or was revoked takes no further part; who joins needs the amended STUDY.manifest.",
    "not-a-custodian": _ENROLLED,
    "other-aggregator": _ENROLLED,
    "initial-model": "Serve the very file that `blindsum study create --initial-model` took.",
    "quorum-rule": "Use one of (m, t, quorum) = (4,2,3), (7,3,5) or (1,1,1).",
    "aggregator-unreachable": _SERVE,
    "port": "Choose another --listen (the demo: --port), or stop what listens there.",
    "state-in-use": "Stop the other process on this folder (an aggregator's --data, a client's "
    "--state), or wait for its end; two would contradict each other. `blindsum client verify` may "
    "look on meanwhile.",
    "masking-cohort": "Use the seal ckks, which has no such limit and is recommended above 1,000 "
    'clients: `--seal ckks`, in study.toml `seals = ["ckks"]`.',
    "bench-survivors": "Lower --dropout, or raise --clients.",
    "privacy-client-unit": "Protect records or patients: unit record; or allow few clients "
    "(--few-clients; in study.toml allow_few_clients) and measure what such noise leaves of the "
    "model.",
    "privacy-units": "Set units_per_client (--max-records) to 1 where the client is the unit.",
    "privacy-no-honest-noise": "Raise min_cohort or min_organisations, or lower colluders; with a "
    "single organisation nothing can be promised.",
    "privacy-epsilon": "Ask for an epsilon between about 0.1 and 15, or for fewer rounds.",
    "privacy-share": "Use the mechanism skellam, which any share fits.",
    "noise-variance": "Ask for less noise: a larger epsilon, fewer rounds, a larger min_cohort.",
    "privacy-budget": "Nothing to repair: the budget is for the whole study, and no setting makes "
    "it larger. `blindsum privacy spent` tells who spent what; further rounds need a new study.",
    "not-private": "Name the manifest of a study with differential privacy; `blindsum study show` "
    "tells whether it has any. In one without, `client contribute` takes --update.",
    "state-folder": "Give the --state folder of a client that joined this study: it holds "
    "client.sqlite.",
    "custodian-store": "Give the --store folder of a custodian that attended this study: it holds "
    "custodian.sqlite.",
    "own-epsilon": "The study promises less privacy than your own policy wants; talk to the "
    "operator, or raise --max-epsilon.",
    "own-delta": "Talk to the operator, or raise --max-delta.",
    "plot-file": "Choose a name that ends in .png or .svg.",
    "plots-extra": "pip install 'blindsum[plots]', or leave --plot out.",
    "demo-epsilon": "Try `blindsum demo --epsilon 3`, or 1; `blindsum privacy plan` plans a study "
    "of your own.",
    "demo-folder": "Name a new folder, or leave --folder out: then a new one is made.",
    "demo-private-seal": "Add --seal ckks or --seal masking.",
    "demo-process-ended": "Read the whole log that is named above, then run the demo again.",
    "demo-too-slow": "Look for warnings in the logs; on a busy machine run the demo again.",
    "instance-mismatch": "If these keys ever attended anything, do not use --new and do not begin "
    "anew with them: the custodian would forget what it endorsed. It is enrolled with new keys in "
    "the next study; docs/runbook.md, section 4, says more. Only keys that never attended anything "
    "may add --new, once. First compare --store and --instance with the last start.",
    "instance-apart": "Name two folders, neither inside the other.",
    "store-rolled-back": _ENROL_ANEW,
    "store-in-use": "Stop the other process of this custodian; two would contradict each other.",
    "store-exists": "Run `blindsum custodian attend` without --new; a store is created once.",
    "anchor-missing": "Start again with an empty --state folder: `blindsum client join`.",
    "own-min-cohort": "The study allows smaller cohorts than your own policy; talk to the operator "
    "or lower --min-cohort.",
    "own-min-organisations": "Talk to the operator, or lower --min-organisations.",
    "collection-closed": "The round was frozen without you; the contribution stays sealed. Wait "
    "for the next round.",
    "other-round": _FRESH_MODEL,
    "stale-round": _FRESH_MODEL,
    "one-seal-per-round": _ONE_SEAL,
    "restored-state": "Nothing to repair: this --state is older than the last seal. It sits those "
    "rounds out; wait for the next one.",
    "round-over": "The round ended without you. Wait for the next one: `blindsum client model`.",
    "model-under-another-version": _MISTRUST,
    "one-spec-per-round-number": "The aggregator signed two contradicting rounds. Stop, keep the "
    "--state folder, which holds the evidence, and call the other parties.",
    "round-number": _MISTRUST,
    "previous-round": _MISTRUST,
    "model-version": _MISTRUST,
    "model-digest": _MISTRUST,
    "receipt-not-honoured": _MISTRUST,
    "wrong-receipt": _MISTRUST,
    "wrong-round": _MISTRUST,
    "fetched-digest": _MISTRUST,
    "upload-offset": _MISTRUST,
    "not-my-contribution": "Another contribution stands under your name: tell the operator; your "
    "key may be in other hands.",
    "own-opening": "Nothing was sent. Run it again; if it comes again, report it with the log: the "
    "sealed bytes do not open to your numbers on this machine.",
    "damaged-payload": "The disk does not give back what was sealed, and it is never sealed twice: "
    "check the disk, and wait for the next round.",
    "damaged-residual": "The disk does not give back what earlier rounds left of your updates. "
    "Remove `residual.bin` from --state: only that rest is lost, and the study goes on.",
    "no-receipt": "Run the same command again: it sends the same bytes.",
    "spec-late": "Set the clock by the network; if it is right, wait for the next round.",
    "call-time": "Set the clock by the network.",
    "wrong-aggregator": "Another study's aggregator may answer at that address: correct "
    "--aggregator. If it is right, compare the manifest's digest with the operator out of band.",
    "anchor-study": "Give every study and every client a --state folder of its own.",
    "anchor-damaged": "Begin with an empty --state folder, and only when no round runs in which "
    "this client has sealed.",
    "enrolled-key": "Give the key file of `blindsum keys rotate` too, a second --key; without a "
    "change of keys use the key that the operator enrolled.",
    "epoch-key": "Give both key files, --key twice: the old one and the one of `blindsum keys "
    "rotate`.",
    "rotation-role": "Only clients and custodians change keys; another identity is another party.",
    "rotation-identity": "Put the party's own NAME.identity beside NAME.key, under the same name.",
    "one-identity": "Give key files of one party: NAME.key and what `blindsum keys rotate` made of "
    "it.",
    "amendment-withheld": "The aggregator opens rounds without an amendment that you were sent: "
    "ask the operator. Take part again once `blindsum round status` shows it in force.",
    "amendment-fork": _MISTRUST,
    "not-seated": "Nothing to repair: the round is of a committee without you.",
    "manifest-file": "Name the STUDY.manifest that the operator sent.",
    "own-threshold": _OWN_FLOOR,
    "own-seal": _OWN_FLOOR,
    "own-max-rounds": _OWN_FLOOR,
    "own-initial-model": _OWN_FLOOR,
    "units-expected": "Give one row for every record or patient: `blindsum client contribute "
    "--units`, or `Client.encode_units`.",
    "update-expected": "Give the change of the whole client: `blindsum client contribute "
    "--update`, or `Client.encode`.",
    "units-file": "Write units with numpy.save or numpy.savez, as floats, one row or entry a unit.",
    "unit-batch": "Write one row for every record or patient: a .npy of shape (units, values of "
    "the model), or an .npz of the model's names with the units in front of every shape.",
    "adaptive-clip-norm": "Add `clip_norm=np.float32(C)` as the last array of the first model's "
    ".npz, with C as [privacy] clip_norm says.",
    "adaptive-count-noise": "Raise count_noise in [privacy.adaptive_clipping], or ask for less "
    "noise.",
    "adaptive-few-units": "Lower count_noise in [privacy.adaptive_clipping]; with few units keep "
    "the clip norm fixed.",
    "integer-array": "Write floating-point arrays, as `blindsum client model` does.",
    "non-finite-update": "Look for NaN and infinity in the change that was trained.",
    "records": "Give --records, a whole number of at least 1.",
    "study-not-ended": _LOOK,
    "no-round": "If the lines above say aggregator-unreachable, correct --aggregator. Otherwise "
    "ask the operator to open a round, `blindsum round open`, or wait longer: --wait.",
    "round-not-over": _LOOK,
    "unknown-round": _LOOK,
    "round-running": _LOOK,
    "request-round": _LOOK,
    "exception": "The officer signs next: `blindsum study exception sign`; then the operator hands "
    "it in: `blindsum round except`.",
    "exception-without-officer": "Without a privacy officer in study.toml a study has no "
    "exceptions: end it, `blindsum study end`, and begin one without the clients that you do not "
    "trust; docs/runbook.md, section 5, says more.",
    "exception-file": "Name the file that `blindsum study exception create` wrote.",
    "exception-file-exists": "An exception is never overwritten: choose another --out, or remove "
    "the one that was not used.",
    "exception-bodies": "Operator and officer signed different words: create it anew.",
    "exception-study": "It was written for another manifest: create it anew with this one.",
    "exception-round": "Create one for a round that is not frozen yet: `blindsum round status` "
    "shows the newest.",
    "exception-version": "Create one for the version of that round: the column `model` of "
    "`blindsum round status`.",
    "exception-exists": "Each round has one exception: create one for the next round, and abort "
    "this one, `blindsum round abort`, if it is wrong.",
    "study-ended": "Fetch the final model with `blindsum client model`; check the whole study from "
    "its transcript with `blindsum verify`.",
    "pinned-manifest": "Give every study and every client a --state folder of its own.",
    "study-kind": "`blindsum study show` tells what the study is for: `blindsum statistic answer` "
    "is for statistics, `blindsum client` for those that train a model.",
    "first-model": "Give --initial-model where a model is trained; statistics have none.",
    "query-range": "Correct the records, or have the operator declare a wider range in a new "
    "study; without noise nothing is cut off in silence.",
    "query-max-records": "Take the records of the query's window alone; if there are so many, "
    "the operator allows them in a new study: max_records is public.",
    "units-per-client": "Give --records of the queries' windows alone; if there are so many, the "
    "operator allows more units_per_client in a new study.",
    "records-column": "Give --records with the columns that `blindsum study show` names.",
    "records-length": "Give every column as many values as there are records.",
    "records-file": "Write --records as a .csv: a line of column names, then a line a record.",
    "layout": "Send the same names and shapes that `blindsum client model` wrote.",
    "trainer": "Give --trainer MODULE:FUNCTION; the module must be importable here.",
    "transcript-folder": "Name the folder of one study, which holds manifest.pb and rounds/: of an "
    "aggregator, DATA/transcripts/STUDY.",
}
"""What a person can do about a rule that broke; rules that need no advice are not listed."""


def report(error: BlindsumError) -> int:
    """Say on standard error which rule broke and what to do, and return the exit code."""
    word = type(error).__name__
    note(f"[bold red]{word}[/] [bold]{error.rule}[/]: {escape(error.expected)}")
    step = NEXT_STEPS.get(error.rule)
    if step is not None:
        advise(step)
    return UNAVAILABLE if isinstance(error, Unavailable) else RULE_BROKE
