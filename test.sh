#!/usr/bin/env bash
# Runs all tests. The last line is: N passed, N failed, N skipped
#
# The tests start real servers (PostgreSQL, pgbouncer, Redis, nginx), a real browser, and the samples with what these are
# made for. What is missing of them is installed where that is possible (Debian, as root or with sudo); elsewhere the tests
# that need it are skipped, but with CI=true they fail.
set -euo pipefail
cd "$(dirname "$0")"
exec < /dev/null

missing_packages() {
  [ -x /usr/lib/postgresql/15/bin/postgres ] || echo postgresql-15
  local pair
  for pair in pgbouncer:pgbouncer redis-server:redis-server nginx:nginx-light chromium:chromium setpriv:util-linux \
    node:nodejs npm:npm curl:curl jq:jq python3:python3; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" > /dev/null || echo "${pair##*:}"
  done
}

# Debian 12's Node.js is too old for what the samples are built with; npm has newer ones.
node_is_too_old() {
  command -v npm > /dev/null && [ "$(node -p 'process.versions.node.split(".")[0] < 20' 2> /dev/null)" = true ]
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_packages() {
  command -v apt-get > /dev/null || return 1
  as_root true 2> /dev/null || return 1
  # The packages would start their servers: this file, as Debian's policy has it, says no while it is there.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
    as_root chmod +x "$policy"
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  as_root apt-get update -q \
    && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
}

missing=$(missing_packages)
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086 # a list of words
  install_packages $missing || true
  missing=$(missing_packages)
  [ -z "$missing" ] || echo "Not installed, and not to be installed from here:" $missing
fi

if node_is_too_old; then
  as_root npm install --global --prefix /usr/local "node-linux-$(dpkg --print-architecture | sed s/amd64/x64/)@22" || true
  hash -r
fi

results=artifacts/test-results
rm -rf "$results"
code=0
# Five minutes in which no test ends are a hang: the run is ended, and the tests that were running are named.
dotnet test ChatApi.sln --configuration Release --nologo \
  --blame-hang-timeout 5m --blame-hang-dump-type none \
  --results-directory "$results" --logger "trx;LogFileName=tests.trx" --logger "console;verbosity=normal" || code=$?

count() { sed -n "s/.*<Counters.*[ ]$1=\"\([0-9]*\)\".*/\1/p" "$results/tests.trx" 2> /dev/null || true; }
total=$(count total) passed=$(count passed)
executed=$(count executed)
total=${total:-0} passed=${passed:-0} executed=${executed:-0}
failed=$((executed - passed))
# A build that fails, a run that dies and a run without tests are failures, too.
if [ "$failed" -eq 0 ] && { [ "$code" -ne 0 ] || [ "$passed" -eq 0 ]; }; then failed=1; fi
# What failed stands last, too: whoever sees only the end of a long output can tell what it was.
if [ "$failed" -ne 0 ]; then
  awk '/<UnitTestResult / { on = /outcome="Failed"/ } on { print } /<\/UnitTestResult>/ { on = 0 }' \
    "$results/tests.trx" 2> /dev/null | sed 's/<UnitTestResult.* testName="\([^"]*\)".*/FAILED \1/' | cut -c1-400 > "$results/failed.txt" || true
  awk '/FAILED / { lines = 0 } lines++ < 12 && total++ < 120' "$results/failed.txt" || true
  echo "In short:"
  grep -h -m 40 'FAILED ' "$results/failed.txt" || true
fi
echo "$passed passed, $failed failed, $((total - executed)) skipped"
[ "$failed" -eq 0 ]
