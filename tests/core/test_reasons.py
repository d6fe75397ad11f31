"""What a job waits for, in words; the names are those of SLURM 20.11 to 24.05."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.profile import SlurmSection
from jlab_mcp.core.slurm.reasons import pending_reason

_THINGS = ("Unknown", "Mem", "Node", "Energy", "GRES", "License", "BB", "Billing")
_OF_QOS = ("Unknown", "Memory", "Node", "Energy", "GRES", "License", "BB", "Billing")
_LAST_AS_IT_IS = (
    *("PartitionTimeLimit", "PartitionNodeLimit", "PartitionConfig", "AccountNotAllowed", "QOSNotAllowed"),
    *("InvalidAccount", "InvalidQOS", "BadConstraints", "MaxMemPerLimit", "DependencyNeverSatisfied"),
    *("ReservationDeleted", "ReservationInvalid", "DeadLine", "QOSMinCpuNotSatisfied"),
    *(f"{owner}{limit}Limit" for owner in ("QOS", "Assoc") for limit in (
        "MaxCpuPerJob", "MaxCpuMinutesPerJob", "MaxNodePerJob", "MaxWallDurationPerJob")),
    *(f"{owner}MaxCpuPerNode" for owner in ("QOS", "Assoc")),
    *(f"AssocMax{thing}{per}" for thing in _THINGS for per in ("PerJob", "PerNode", "MinutesPerJob")),
    *(f"QOSMax{thing}{per}" for thing in _OF_QOS for per in ("PerJob", "PerNode", "MinutesPerJob")),
    *(f"QOSMin{thing}" for thing in _OF_QOS),
)  # fmt: skip
_CLEAR_IN_TIME = (
    *("None", "Priority", "Resources", "Dependency", "BeginTime", "Licenses", "Reservation", "NodeDown"),
    *("ReqNodeNotAvail", "FrontEndDown", "PartitionDown", "PartitionInactive", "JobHeldUser", "JobHeldAdmin"),
    *("JobHoldMaxRequeue", "JobArrayTaskLimit", "Cleaning", "Prolog", "SchedDefer", "FedJobLock"),
    *("BurstBufferResources", "BurstBufferStageIn", "BurstBufferOperation", "AccountingPolicy"),
    *("PowerNotAvail", "PowerReserved", "MaxPoweredUpNodes", "MpiPortsBusy", "Constraints"),
    *("BlockMaxError", "BlockFreeAction", "QOSUsageThreshold", "QOSJobLimit", "QOSResourceLimit"),
    *("QOSTimeLimit", "AssociationJobLimit", "AssociationResourceLimit", "AssociationTimeLimit"),
    *("launch failed requeued held", "user env retrieval failed requeued held", "job requeued in held state"),
    *(f"{owner}Grp{limit}Limit" for owner in ("QOS", "Assoc") for limit in (
        "Cpu", "CPUMinutes", "CPURunMinutes", "Jobs", "Mem", "Node", "SubmitJobs", "Wall")),
    *("QOSMaxCpuPerUserLimit", "QOSMaxJobsPerUserLimit", "QOSMaxNodePerUserLimit"),
    *("QOSMaxSubmitJobPerUserLimit", "AssocMaxJobsLimit", "AssocMaxSubmitJobLimit"),
    *(f"AssocGrp{thing}{kind}" for thing in _THINGS for kind in ("", "Minutes", "RunMinutes")),
    *(f"QOSGrp{thing}{kind}" for thing in _OF_QOS for kind in ("", "Minutes", "RunMinutes")),
    *(f"QOSMax{thing}PerUser" for thing in _OF_QOS),
    *(f"Max{thing}PerAccount" for thing in (*_OF_QOS, "Cpu")),
    *(f"Max{thing}RunMinsPer{whose}" for thing in (*_OF_QOS, "Cpu") for whose in ("Account", "User")),
    *("MaxJobsPerAccount", "MaxSubmitJobsPerAccount"),
)  # fmt: skip
_OF_ENDED_JOBS = (
    *("TimeLimit", "InactiveLimit", "OutOfMemory", "NonZeroExitCode", "RaisedSignal", "JobLaunchFailure"),
    "SystemFailure",
)


@pytest.mark.parametrize("name", _LAST_AS_IT_IS)
def test_a_reason_that_stays_is_known_as_one_and_says_what_helps(name: str) -> None:
    found = pending_reason(name)
    assert found.never
    assert found.remedy
    assert name not in found.sentence


@pytest.mark.parametrize("name", [*_CLEAR_IN_TIME, *_OF_ENDED_JOBS])
def test_a_reason_that_clears_is_explained_and_no_end(name: str) -> None:
    found = pending_reason(name)
    assert not found.never
    assert name not in found.sentence


@pytest.mark.parametrize("name", [*_LAST_AS_IT_IS, *_CLEAR_IN_TIME, *_OF_ENDED_JOBS])
def test_a_sentence_is_one_of_ours_and_its_fields_are_settings(name: str) -> None:
    found = pending_reason(name)
    assert found.name == name
    assert not found.sentence.endswith(".")
    assert "  " not in found.sentence
    assert set(found.fields) <= set(SlurmSection.model_fields)
    assert len(set(found.fields)) == len(found.fields)


@pytest.mark.parametrize(
    ("name", "sentence", "field"),
    [
        ("QOSMaxGRESPerUser", "your jobs together have as many GPUs or other GRES as the QOS allows a user", "gres"),
        ("QOSMaxWallDurationPerJobLimit", "its time limit is longer than the QOS allows", "time"),
        ("AssocMaxWallDurationPerJobLimit", "its time limit is longer than your account allows", "account"),
        ("AssocGrpGRES", "the jobs of your account together have as many GPUs or other GRES as it allows", "gpus"),
        ("AssocGrpCPUMinutesLimit", "the CPU time that your account had is used up", "account"),
        ("QOSGrpJobsLimit", "as many jobs of the QOS run as it allows", "qos"),
        ("AssocMaxJobsLimit", "as many of your jobs run as your account allows", "account"),
        ("QOSMaxMemoryPerNode", "it asks for more memory on a node than the QOS allows a job", "mem"),
        ("QOSMinGRES", "it asks for fewer GPUs or other GRES than the QOS demands", "gres"),
        ("MaxSubmitJobsPerAccount", "as many jobs of your account are waiting or running as the QOS allows", "qos"),
    ],
)  # fmt: skip
def test_a_limit_is_worded_by_the_parts_of_its_name(name: str, sentence: str, field: str) -> None:
    found = pending_reason(name)
    assert found.sentence == sentence
    assert field in found.fields


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("(Priority)", "jobs with a higher priority come before it"),
        ("", "SLURM has not looked at it yet"),
        ("(null)", "SLURM has not looked at it yet"),
        (
            "ReqNodeNotAvail, UnavailableNodes:alpha-a[1-2]",
            "a node that it needs is down, drained or reserved (UnavailableNodes:alpha-a[1-2])",
        ),
        (
            "ReqNodeNotAvail,_UnavailableNodes:my_node",
            "a node that it needs is down, drained or reserved (UnavailableNodes:my_node)",
        ),
        (
            "(Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions)",
            "the nodes that it could run on are down, drained or reserved",
        ),
        (
            "Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions",
            "the nodes that it could run on are down, drained or reserved",
        ),
    ],
)
def test_a_reason_is_known_in_every_form_that_slurm_gives_it(name: str, sentence: str) -> None:
    assert pending_reason(name).sentence == sentence


@pytest.mark.parametrize("name", ["SiteRule_7", "No Sundays, please: ask (us)", "QOSMaxTapesPerJob"])
def test_an_unknown_reason_is_passed_on_whole(name: str) -> None:
    found = pending_reason(name)
    assert name in found.sentence
    assert (found.name, found.fields, found.never) == (name, (), False)


@given(
    st.text()
    | st.lists(
        st.sampled_from(["QOS", "Assoc", "Grp", "Max", "Min", "GRES", "Cpu", "Jobs", "PerJob", "Limit", ":", ",", "_"])
    ).map("".join)
)  # fmt: skip
def test_any_text_has_a_sentence(name: str) -> None:
    found = pending_reason(name)
    assert found.sentence.strip()
    assert found.name == name
