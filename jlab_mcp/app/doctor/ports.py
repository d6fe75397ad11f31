"""The address and the ports that JupyterLab is to listen on."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from jlab_mcp.app.doctor.mending import set_command
from jlab_mcp.app.surroundings import setting_place
from jlab_mcp.client.ports import first_free_port, interface_address, interfaces
from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine
from jlab_mcp.core.words import listed
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene

_LAST_PORT = 65_535
_ROOM = 1_000
"""Ports that a mended range has."""


async def _ports(scene: Scene) -> Finding:
    """Look for a free port, or, for a job, at what can be told of the address from here."""
    resolved = scene.resolved
    if resolved.mode == "slurm":
        return await _of_a_job(scene)
    address = resolved.bind_ip
    if resolved.interface:
        found = interface_address(resolved.interface)
        if found is None:
            have = listed([f"{name} ({where})" for name, where in interfaces().items()])
            place = setting_place(resolved, "server.interface")
            return failed(
                f"{place}: this machine has no network interface {resolved.interface} with an IPv4 address;"
                f" it has {have}",
                code=ExitCode.START_FAILED,
                fix="listen on this machine alone",
                command=set_command(scene, "server.interface", "lo"),
            )
        address = found
    return _range_on(scene, address)


def _range_on(scene: Scene, address: str) -> Finding:
    low, high = scene.resolved.port_min, scene.resolved.port_max
    try:
        port = first_free_port(address, low, high)
    except OSError as error:
        return failed(
            f"{setting_place(scene.resolved, 'server.bind_ip')}: nothing can listen on {address}:"
            f" {(error.strerror or str(error)).lower()}",
            code=ExitCode.START_FAILED,
            fix="listen on this machine alone",
            command=set_command(scene, "server.bind_ip", "127.0.0.1"),
        )
    if port is None:
        most = min(high + _ROOM, _LAST_PORT)
        return failed(
            f"all ports from {low} to {high} on {address} are taken",
            code=ExitCode.START_FAILED,
            fix="widen the range",
            command=set_command(scene, "server.port_max", str(most)),
        )
    return fine(f"{port} is free on {address} (of {low} to {high})")


async def _of_a_job(scene: Scene) -> Finding:
    resolved = scene.resolved
    ports = f"{resolved.port_min} to {resolved.port_max}"
    setting = "server.interface" if resolved.interface else "server.bind_ip"
    place = setting_place(resolved, setting)
    anywhere = set_command(scene, setting, "none")
    if not resolved.interface and _is_loopback(resolved.bind_ip):
        return failed(
            f"{place}: JupyterLab would listen on {resolved.bind_ip} of its node, where nothing from"
            " this host gets through",
            code=ExitCode.CONFIG,
            fix="listen on every interface of the node; the token guards it",
            command=anywhere,
        )
    where = f"the interface {resolved.interface}" if resolved.interface else resolved.bind_ip
    if seen := await scene.node():
        node = seen.get("hostname")
        if seen.get("address_error"):
            return failed(
                f"{place}: on {node} {seen['address_error']}",
                code=ExitCode.START_FAILED,
                fix="listen on every interface of the node",
                command=anywhere,
            )
        if seen.get("port") is None:
            return failed(
                f"on {node} all ports from {ports} are taken",
                code=ExitCode.START_FAILED,
                fix="widen the range",
                command=set_command(
                    scene, "server.port_max", str(min(resolved.port_max + _ROOM, _LAST_PORT))
                ),
            )
        return fine(f"{seen['port']} is free on {where} of {node} (of {ports})")
    if not resolved.interface and not ipaddress.ip_address(resolved.bind_ip).is_unspecified:
        return doubtful(
            f"{place}: {resolved.bind_ip} has to be an address of the very node that the job gets, which"
            " cannot be told from here",
            fix="listen on every interface of the node",
            command=anywhere,
        )
    return fine(f"the first free one of {ports} on {where} of the node, which is seen only there")


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


CHECKS: tuple[Check[Scene], ...] = (Check("ports", "ports", _ports, needs=("profile", "node")),)
