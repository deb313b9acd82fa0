#!/usr/bin/env python3
"""Unmodified programs under naru run: their sockets are naru's, their work is done."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import lab

HERE = Path(__file__).resolve().parent
PAGE_BYTES = 3_000_000


def session(*command, seconds=60, **options):
    """What a program says, in a session of its own. It ends in time, and well."""
    done = subprocess.run([lab.PROGRAM, "run", "--", *map(str, command)], capture_output=True,
                          text=True, timeout=seconds, stdin=subprocess.DEVNULL, **options)
    lab.check(done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def leaves_nothing_behind():
    lab.wait_for(lambda: len(lab.sh(lab.PROGRAM, "ps").splitlines()) == 1, "every session ends")


def python_and_curl():
    answer = session("sh", "-c", """
        python3 -m http.server 8000 >/dev/null 2>&1 &
        curl -sf --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8000/page >copy
        kill $!; cmp page copy && echo same""")
    lab.check(answer == "same\n", f"python3 and curl: {answer!r}")


def no_kernel_socket():
    """Nothing listens in the kernel while the program does on naru."""
    answer = session("sh", "-c", """
        python3 -m http.server 8000 >/dev/null 2>&1 &
        curl -sf -o /dev/null --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8000/page
        cat /proc/net/tcp; kill $!""")
    lab.check(":1F40 " not in answer, "port 8000 is the kernel's")


def exit_status_and_name():
    done = lab.run(lab.PROGRAM, "run", "--", "sh", "-c", "exit 7")
    lab.check(done.returncode == 7, "the program's exit status")
    done = lab.run(lab.PROGRAM, "run", "--", "/no/such/program")
    lab.check(done.returncode == 127 and "/no/such/program" in done.stderr, "a program that is not")
    inner = session(lab.PROGRAM, "run", "--", "echo", "inner")
    lab.check(inner == "inner\n", "a session started from within a session")


def redis():
    answer = session("sh", "-c", """
        redis-server --port 7001 --save '' --daemonize no >redis.log 2>&1 &
        until redis-cli -p 7001 ping 2>/dev/null | grep -q PONG; do sleep 0.1; done
        redis-cli -p 7001 set key value; redis-cli -p 7001 get key
        redis-benchmark -p 7001 -n 20000 -c 20 -q -t set,get >bench.log && echo done
        redis-benchmark -p 7001 -n 20000 -c 5 -P 16 -q -t set,get >bench.log && echo done
        redis-cli -p 7001 bgsave; redis-cli -p 7001 shutdown nosave; wait""")
    lab.check(answer == "OK\nvalue\ndone\ndone\nBackground saving started\n", f"redis: {answer!r}")


NGINX = """
daemon off; {processes} pid nginx.pid; error_log nginx.log info;
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t;
  scgi_temp_path t;
  server {{ listen 8080; root .; }} }}
"""


def nginx(processes, script=""):
    Path("nginx.conf").write_text(NGINX.format(processes=processes))
    answer = session("sh", "-c", f"""
        nginx -p $PWD -c nginx.conf & server=$!
        curl -sf --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8080/page | cmp - page && echo same
        ab -q -n 2000 -c 8 http://127.0.0.1:8080/small | grep Failed
        ab -q -k -n 5000 -c 8 http://127.0.0.1:8080/small | grep Failed
        {script}
        kill -QUIT $server; wait $server; echo $?""")
    words = answer.split()
    lab.check(words[0] == "same" and words[-1] == "0", f"nginx: {answer!r}")
    lab.check(words.count("0") == len([w for w in words if w.isdigit()]), f"nginx: {answer!r}")


def descriptors_in_python():
    session(sys.executable, HERE / "run_sockets.py", seconds=120)


def deaths():
    session(sys.executable, HERE / "run_deaths.py", seconds=120)


def main():
    lab.need_preload()
    lab.need("curl", "redis-server", "redis-benchmark", "nginx", "ab")
    os.chmod(lab.work_folder(), 0o755)
    Path("page").write_bytes(os.urandom(PAGE_BYTES))
    Path("small").write_text("hello\n")
    python_and_curl()
    no_kernel_socket()
    exit_status_and_name()
    redis()
    nginx("master_process off;")
    nginx("worker_processes 2;", """
        kill -HUP $server; sleep 1
        ab -q -n 500 -c 4 http://127.0.0.1:8080/small | grep Failed""")
    descriptors_in_python()
    deaths()
    leaves_nothing_behind()


if __name__ == "__main__":
    main()
