"""What nsd and unbound are told in the tests: to stay in the foreground and in one folder."""

NSD = """
server:
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/pid"
  xfrdfile: "{folder}/xfrd"
  zonelistfile: "{folder}/zonelist"
  cookie-secret-file: "{folder}/cookies"
{lines}
remote-control:
  control-enable: no
zone:
  name: "{zone}"
  zonefile: "zone"
"""
UNBOUND = """
server:
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  logfile: ""
  module-config: "iterator"
{lines}
remote-control:
  control-enable: no
"""


def _lines(lines):
    return "\n".join(f"  {line}" for line in lines)


def nsd(folder, zone, *lines):
    """The command of an authority for `zone`, whose file is folder/zone."""
    path = folder / "nsd.conf"
    path.write_text(NSD.format(folder=folder, zone=zone, lines=_lines(lines)))
    return ["nsd", "-d", "-c", path]


def unbound(folder, *lines, more=""):
    """The command of a recursive server; `more` is what follows its section "server"."""
    path = folder / "unbound.conf"
    path.write_text(UNBOUND.format(folder=folder, lines=_lines(lines)) + more)
    return ["unbound", "-d", "-c", path]
