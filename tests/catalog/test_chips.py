"""Names resolve, figures carry sources, impossible chips are refused."""

import pytest

from warpfive import catalog
from warpfive.errors import InputError

NAMES = [
    "zhenwu-810e",
    "hanguang-800",
    "h20",
    "h800",
    "h100",
    "h200",
    "a100",
    "a800",
    "ascend-910b",
    "ascend-910c",
    "cloudmatrix-384",
    "enflame-l600",
    "cambricon-590",
    "cambricon-690",
    "metax-c500",
    "metax-c550",
    "metax-c600",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_promised_name_resolves(name):
    assert catalog.chip(name).memory.bandwidth > 0


def test_every_figure_has_a_known_source_and_grade():
    for name in catalog.chip_names():
        chip = catalog.chip(name)
        assert chip.figures
        for figure in chip.figures.values():
            assert figure.source in chip.sources
            assert figure.grade in catalog.GRADES


def test_the_default_chip_has_the_published_figures():
    chip = catalog.chip()
    assert chip.name == "zhenwu-810e"
    assert (chip.cores, chip.clock_hz) == (64, 1.45e9)
    assert chip.memory.capacity_bytes == 96 * 2**30
    assert chip.rate("bf16") == pytest.approx(118.7e12)
    assert chip.grade("compute.bf16") == "estimate"


def test_a_type_without_hardware_computes_in_a_wider_one():
    assert catalog.chip("zhenwu-810e").compute_dtype("fp8") == "bf16"
    assert catalog.chip("h20").compute_dtype("fp8") == "fp8"


def test_an_unknown_chip_names_the_nearest():
    with pytest.raises(InputError, match="unknown chip 'h2000'; did you mean h200"):
        catalog.chip("h2000")


def test_clock_and_cores_scale_the_rates():
    chip = catalog.with_settings(catalog.chip("h20"), ["clock=0.99GHz", "cores=39"])
    assert chip.rate("bf16") == pytest.approx(148e12 / 4)
    assert chip.whatif == ("clock=0.99GHz", "cores=39")


def test_other_memory_keeps_the_stacks():
    chip = catalog.with_settings(catalog.chip("zhenwu-810e"), ["memory=hbm3e"])
    assert chip.memory.bandwidth == pytest.approx(6 * 1178e9)
    assert chip.memory.capacity_bytes == 6 * 36 * 2**30
    assert chip.memory.effective_bandwidth is None


def test_packages_replace_stacks_by_their_usual_number():
    chip = catalog.with_settings(catalog.chip("zhenwu-810e"), ["memory=gddr7"])
    assert chip.memory.bandwidth == pytest.approx(16 * 128e9)


def test_export_classes_cover_the_options():
    options = catalog.memory_options(catalog.chip())
    assert {technology.export for technology, _ in options} == {"free", "exception", "licence"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("memory.bandwidth=9TB/s", "more than 6 x HBM2e can carry"),
        ("memory=hbm9", "unknown memory technology 'hbm9'"),
        ("clok=1GHz", "unknown key; did you mean clock"),
        ("clock=40GHz", "core.clock must lie in 0.1 to 10 GHz"),
        ("clock=fast", "is not a number with a unit"),
        ("clock=3GB", "is not a frequency; its units are Hz, MHz, GHz"),
        ("cores=1.5", "is not a whole number"),
        ("clock", "must be key=value"),
    ],
)
def test_impossible_settings_are_refused_with_the_rule(setting, message):
    with pytest.raises(InputError, match=message):
        catalog.with_settings(catalog.chip(), [setting])


CHIP = """
name = "mine"
vendor = "me"
[sources]
spec = "my data sheet"
[compute]
bf16 = { value = 100, unit = "TFLOP/s", grade = "official", source = "spec" }
[core]
count = { value = 64, unit = "count", grade = "official", source = "spec" }
clock = { value = 1.5, unit = "GHz", grade = "official", source = "spec" }
[memory]
technology = "HBM2e"
capacity = { value = 64, unit = "GiB", grade = "official", source = "spec" }
bandwidth = { value = 1600, unit = "GB/s", grade = "official", source = "spec" }
[link]
bandwidth = { value = 100, unit = "GB/s", grade = "official", source = "spec" }
domain = { value = 8, unit = "count", grade = "official", source = "spec" }
"""


def test_a_users_file_is_a_chip(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CHIP)
    assert catalog.chip(str(path)).rate("bf16") == 100e12


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('clock = { value = 1.5, unit = "GHz"', 'clock = { value = 1.5, unit = "GB"', "unit 'GB'"),
        ("count = {", "cuont = {", "unknown key core.cuont; did you mean count"),
        ('"official", source = "spec" }\n[core]', '"sure", source = "spec" }\n[core]',
         "grade 'sure'; known: official"),
        ('technology = "HBM2e"\n', "", "memory.technology is missing"),
        ("value = 1600", "value = 16000", "more than 4 x HBM2e can carry"),
        ("value = 100,", 'value = "x",', "value 'x' is not a number"),
        ("[link]", "[lnk]", "unknown key 'lnk'; did you mean link"),
        ('vendor = "me"', "vendor me", "not TOML"),
        ('source = "spec" }\n[core]', 'source = "spce" }\n[core]', "source 'spce' is not in"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_precisely_what_is_wrong(tmp_path, old, new, message):
    path = tmp_path / "mine.toml"
    path.write_text(CHIP.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        catalog.chip_file(path)


def test_systems_resolve():
    assert catalog.system("cm384").chips == 384
    assert catalog.system("hpn-7").oversubscription == 15
    assert catalog.system("panjiu-al128").chip == "zhenwu-m890"
    with pytest.raises(InputError, match="unknown system"):
        catalog.system("nowhere")


def test_failure_rates_are_those_published():
    # 419 unexpected interruptions in 54 days of 16,384 chips
    rate = catalog.failure_rate("any-unexpected-interruption").rate_per_hour
    assert rate == pytest.approx(419 / (54 * 24 * 16384), rel=0.01)
    with pytest.raises(InputError, match="unknown failure rate"):
        catalog.failure_rate("gremlins")
