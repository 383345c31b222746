#!/bin/bash
# devices_gpu_test.sh KOPT SOURCE: a run on two GPUs of one machine. With fewer it is skipped.
source "$2/tests/cli/export_lib.sh"

count=$("$(dirname "$kopt")/kopt-worker-cuda" probe | grep -o '"uuid"' | wc -l)
if [ "$count" -lt 2 ]; then
  echo "SKIPPED: $count GPUs, and two are needed"
  exit 0
fi

tune=("$kopt" tune "$examples/softmax.spec" "$examples/softmax.cu" --target cuda)
expect 2 "there is no device 99: $count are there" "${tune[@]}" --budget 9s --devices 0,99 --out none
expect 2 "device 1 is given twice" "${tune[@]}" --budget 9s --devices 1,1 --out none
got=0
"${tune[@]}" --budget 60s --devices 0,1 --out two >out 2>err || got=$?
[ "$got" -le 1 ] || fail "exit $got: $(cat out err)"
for device in 0 1; do
  judged=$(grep -c "\"device\": \"$device (GPU-" two/verdicts.json)
  echo "device $device: $judged verdicts"
  [ "$judged" -ge 10 ] || fail "device $device has judged $judged configurations"
done
# Each configuration once, and those that were confirmed once more.
all=$(grep -c '"configuration":' two/verdicts.json)
different=$(grep '"configuration":' two/verdicts.json | sort -u | wc -l)
confirmed=$(grep -c '"confirmation": true' two/verdicts.json)
echo "$all verdicts, $confirmed of them confirmations, on $different configurations"
[ $((all - confirmed)) = "$different" ] || fail "a configuration was screened twice"
expect 0 "" "$kopt" show last
got=0
"$kopt" resume last --budget 75s --devices 1 >out 2>err || got=$?
[ "$got" -le 1 ] || fail "exit $got: $(cat out err)"
exit $((failures > 0))
