"""Processors as their systems describe them."""

from __future__ import annotations

import pytest

from inferspeed_magic.measurement import cpu_elsewhere
from inferspeed_magic.measurement.cpu import Cpu
from inferspeed_magic.measurement.cpu_elsewhere import parse_sysctl
from inferspeed_magic.measurement.cpu_linux import parse_proc_cpuinfo, read_caches, read_linux_cpu

SAPPHIRE_RAPIDS = """\
processor	: 0
vendor_id	: GenuineIntel
cpu family	: 6
model		: 143
model name	: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags		: fpu sse4_2 fma avx avx2 hypervisor avx512f avx512dq avx512bw avx512vl avx_vnni avx512_bf16 avx512_vnni \
amx_bf16 avx512_fp16 amx_tile amx_int8
bugs		: spectre_v1 spectre_v2

processor	: 1
model name	: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags		: fpu
"""

ZEN_2 = """\
processor	: 0
vendor_id	: AuthenticAMD
cpu family	: 23
model		: 49
model name	: AMD EPYC 7742 64-Core Processor
flags		: fpu sse4_2 fma avx avx2 bmi2 sha_ni
"""

GRAVITON_3 = """\
processor	: 0
BogoMIPS	: 2100.00
Features	: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm asimddp sve \
svei8mm svebf16 i8mm bf16 dgh rng
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x1
CPU part	: 0xd40
CPU revision	: 1
"""

RASPBERRY_PI = """\
processor	: 0
Features	: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4
CPU implementer	: 0x41
CPU part	: 0xd08

Model		: Raspberry Pi 4 Model B Rev 1.4
"""

APPLE = """\
hw.ncpu: 8
hw.l1dcachesize: 65536
hw.l2cachesize: 4194304
hw.optional.AdvSIMD: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_I8MM: 0
machdep.cpu.brand_string: Apple M1
kern.hv_vmm_present: 0
"""


def test_sapphire_rapids_misses_nothing():
    cpu = parse_proc_cpuinfo(SAPPHIRE_RAPIDS)
    assert cpu.name == "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"
    assert cpu.missing == ()
    assert {"AVX2", "FMA", "AVX-512", "AVX-512 VNNI", "AVX-VNNI", "AVX-512 BF16", "AMX-INT8", "AMX-BF16"} == set(
        cpu.present
    )
    assert cpu.hypervisor is True


def test_zen_2_has_no_avx_512_and_no_vnni():
    cpu = parse_proc_cpuinfo(ZEN_2)
    assert cpu.present == ("AVX2", "FMA")
    assert cpu.missing == ("AVX-512", "AVX-512 VNNI", "AVX-VNNI", "AVX-512 BF16", "AMX-INT8", "AMX-BF16")
    assert cpu.hypervisor is False


def test_graviton_3_has_a_name_and_only_arm_sets():
    cpu = parse_proc_cpuinfo(GRAVITON_3)
    assert cpu == Cpu("Arm Neoverse V1", ("NEON", "dotprod", "i8mm", "BF16", "SVE"), ())


def test_32_bit_arm_calls_neon_by_its_other_name():
    cpu = parse_proc_cpuinfo(RASPBERRY_PI)
    assert cpu.name == "Raspberry Pi 4 Model B Rev 1.4 (Arm Cortex-A72)"
    assert cpu.present == ("NEON",)


def test_an_unknown_architecture_claims_nothing():
    cpu = parse_proc_cpuinfo("processor : 0\nisa : rv64imafdc\n")
    assert (cpu.present, cpu.missing) == ((), ())


def test_macos_tells_what_it_tells_and_no_more():
    cpu = parse_sysctl(APPLE)
    assert cpu == Cpu("Apple M1", ("NEON", "dotprod"), ("i8mm",), {"L1d": 64, "L2": 4096}, hypervisor=False)


def test_macos_without_sysctl_is_survived():
    assert parse_sysctl("").present == ()


def test_caches_leave_out_instructions(tmp_path):
    kinds = [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "2M"), ("3", "Unified", "odd")]
    for number, (level, kind, size) in enumerate(kinds):
        index = tmp_path / f"sys/devices/system/cpu/cpu0/cache/index{number}"
        index.mkdir(parents=True)
        (index / "level").write_text(level + "\n")
        (index / "type").write_text(kind + "\n")
        (index / "size").write_text(size + "\n")
    assert read_caches(tmp_path) == {"L1d": 48, "L2": 2048}


def test_a_system_without_proc_is_not_linux(tmp_path):
    assert read_linux_cpu(tmp_path) is None


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (
            {"brand_raw": "Xeon", "flags": ["avx2", "fma", "avx512f"], "l3_cache_size": 2048, "l2_cache_size": "1 MB"},
            Cpu("Xeon", ("AVX2", "FMA", "AVX-512"), ("AVX-512 VNNI",), {"L3": 2}),
        ),
        ({"brand_raw": "Xeon"}, Cpu("Xeon")),
    ],
)
def test_py_cpuinfo_is_believed_only_where_it_looks(monkeypatch, reply, expected):
    monkeypatch.setattr("cpuinfo.get_cpu_info", lambda: reply)
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    monkeypatch.setattr("platform.system", lambda: "Windows")
    cpu_elsewhere._by_py_cpuinfo.cache_clear()
    assert cpu_elsewhere.read_cpu_elsewhere() == expected
    cpu_elsewhere._by_py_cpuinfo.cache_clear()


def test_a_py_cpuinfo_that_gives_up_is_survived(monkeypatch):
    def give_up():
        raise Exception("py-cpuinfo currently only works on X86")  # noqa: TRY002 - that is what it raises

    monkeypatch.setattr("cpuinfo.get_cpu_info", give_up)
    monkeypatch.setattr("platform.system", lambda: "Windows")
    cpu_elsewhere._by_py_cpuinfo.cache_clear()
    assert cpu_elsewhere.read_cpu_elsewhere().present == ()
    cpu_elsewhere._by_py_cpuinfo.cache_clear()
