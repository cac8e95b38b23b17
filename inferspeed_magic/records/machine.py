"""What the machine is, and what it can run."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Gpu:
    """A GPU as its driver names it."""

    name: str
    memory_mb: float
    driver: str


@dataclass(frozen=True)
class Machine:
    """The machine at the time of a run.

    Attributes:
        cpu: the processor's name.
        architecture: ``x86_64``, ``aarch64`` ...
        cores_given: logical cores that this process may use (affinity and cgroup quota), not those the machine has.
        cores_total: logical cores of the machine.
        memory_mb: memory this process may use (cgroup limit where there is one); of 2^20 bytes, as memory is sold.
        instruction_sets: those that matter for inference and are present: AVX2, AVX-512, AVX-VNNI, AVX-512 VNNI,
            AMX-INT8, AMX-BF16, NEON, dotprod, i8mm, SVE ...
        instruction_sets_missing: those that would matter on this architecture and are absent.
        cache_kb: size by level: ``{"L1d": 32, "L2": 1024, "L3": 32768}``.
        gpus: GPUs that a driver reports.
        operating_system: name and version of the system and its kernel.
        python: version of Python.
        virtualized: the hypervisor's name, or None on bare metal or where it cannot be told.
        disturbances: one sentence each for what could disturb timing: governor, turbo, load of the machine.
        library_versions: versions of the installed libraries that take part.
    """

    cpu: str
    architecture: str
    cores_given: int
    cores_total: int
    memory_mb: float
    instruction_sets: tuple[str, ...]
    instruction_sets_missing: tuple[str, ...]
    cache_kb: dict[str, float]
    gpus: tuple[Gpu, ...]
    operating_system: str
    python: str
    virtualized: str | None
    disturbances: tuple[str, ...]
    library_versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RuntimeStatus:
    """Whether a runtime can be used here.

    Attributes:
        name: the runtime's name, as in ``--runtime``.
        available: whether its library is installed.
        version: the library's version, if installed.
        reason: why it is not available.
        install_command: what to type to get it.
    """

    name: str
    available: bool
    version: str | None = None
    reason: str | None = None
    install_command: str | None = None
