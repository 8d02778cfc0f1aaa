set -e
ninja -C build -j2 Portolan portolan-opt portolan 2>&1 | grep -E "error|warning|FAILED" | head -40 || true
for m in mixtral-8x7b deepseek-v3; do for ph in decode prefill; do for t in ${1:-cs3:64}; do
echo "== $m $ph $t"
build/bin/portolan tune $m --target $t --phase $ph -o /tmp/plan.mlir 2>&1 | sed -n 2,8p
/usr/bin/time -f "lower %es %MKB" build/bin/portolan lower $m --target $t --phase $ph --plan /tmp/plan.mlir -o /tmp/low.mlir
grep -oE "^ +(%[^ ]+ = )?\"?[a-z_]+\.[a-z_]+" /tmp/low.mlir | grep -oE "[a-z_]+\.[a-z_]+" | sort | uniq -c
build/bin/portolan price $m --target $t --phase $ph --plan /tmp/plan.mlir 2>&1 | head -8
T=$t build/bin/portolan-opt /tmp/low.mlir --wafer-verify-machine -o /dev/null && echo verified
done; done; done
