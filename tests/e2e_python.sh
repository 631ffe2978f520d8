#!/bin/bash
# The Python package against an installed Tenzo: the example of the README; every format and estimator by numpy and by the library equal to `tenzo eval`,
# controls too. POINTS=10000 bash tests/e2e_python.sh: at so many points (minutes, 300 are seconds).
. "$(dirname "$0")/lib.sh"

if [ -n "${SAN:-}" ]; then
  skip "the Python package: a program without sanitizers cannot load a library with them"
  finish
  exit
fi
if ! { python3 -m venv env && timeout 300 env/bin/pip install -q numpy h5py cffi setuptools wheel; } >pip.txt 2>&1; then
  skip "the Python package: needs python3 with venv, and PyPI: $(tail -n 1 pip.txt)"
  finish
  exit
fi
cp -r "$root/src/python" package
env/bin/pip install -q --no-build-isolation ./package >pip.txt 2>&1
ok "pip install src/python" [ $? = 0 ]
make -s -C "$root" install BUILD="$build" PREFIX="$work/usr" SAN="${SAN:-}" >install.txt 2>&1
ok "make install" [ $? = 0 ]
python() { timeout $((300 + ${POINTS:-0})) env PYTHONPATH= TENZO_LIBRARY="$work/usr/lib/libtenzo.so" "$work/env/bin/python" "$@"; }

ok "the README quotes tests/example_python.py" same "$(sed -n '/^```python$/,/^```$/p' "$root/README.md" | sed '1d; /^```$/,$d')" "$(cat "$root/tests/example_python.py")"
python "$root/tests/example_python.py" >example.txt 2>&1
ok "the example runs" [ $? = 0 ]
error=$(sed -n 's/^step 40: relative L2 error //p' example.txt)
ok "... to a relative L2 error of at most 2e-3: ${error:-none}" awk -v e="${error:-1}" 'BEGIN { exit !(e <= 2e-3) }'

grep -v "^-tao_max_it\|^-tz_\|^-loss_points" "$root/jobs/hjb20.opts" >main.opts # the main job
i=0
few="-tz_validation_points 200 -tz_quiet -tao_max_it 20 -loss_points 20"
while read -r options; do
  i=$((i + 1))
  # shellcheck disable=SC2086
  on 1 solve $few $options -tz_output model$i.h5 >solve.txt 2>&1 && on 1 eval -tz_model model$i.h5 -tz_points ${POINTS:-300} -tz_output eval$i.h5 >>solve.txt 2>&1
  ok "solve and eval $options" [ $? = 0 ]
  echo "$options" >model$i.txt
done <<'END'
-pde_dim 4 -net_layers 32,32 -net_tt_rank 2 -deriv_type forward
-pde_dim 4 -net_layers 32,32 -net_tt_rank 2 -pde_T 0.5
-pde_type lqg -pde_dim 6 -lqg_extension heat -lqg_nu 0.5 -net_format ttm -net_layers 24,18 -net_tt_rank 3 -deriv_type fd
-pde_type lqg -pde_dim 5 -net_format dense -net_layers 24 -net_activation tanh -rule_level 4
-pde_type lqg -pde_dim 5 -net_format sparse -net_sparse_count 300 -net_layers 24,20,10 -deriv_type forward
-pde_type lqg -pde_dim 5 -net_format dense -net_bias 0 -net_layers 24,20,10 -deriv_type forward
-pde_type lqg -pde_dim 5 -net_format dense -net_layers 24,20,10 -net_activation relu,square,tanh -deriv_type forward
-pde_type lqr -pde_dim 4 -lqr_nu 0.3 -lqr_q 2 -net_layers 24,24 -net_tt_rank 2
-pde_type lqr -pde_dim 4 -lqr_extension constant -net_layers 24,24 -net_tt_rank 2 -deriv_type forward
-pde_type pendulum -net_format dense -net_layers 24,24 -deriv_type forward
-options_file main.opts
END
python "$root/tests/compare_python.py" $i >compare.txt 2>&1
code=$?
ok "numpy and library equal to eval: $(tail -n 1 compare.txt)" [ $code = 0 ]
[ -z "${POINTS:-}" ] || tail -n 1 compare.txt
ok "a misspelt option is an exception" python -c "
import tenzo
try: tenzo.train('hjb', 'x.h5', zo_lrr=1)
except tenzo.library.TzError as e: assert '-zo_lrr' in str(e), e
else: raise SystemExit(1)"
ok "what an equation raises comes out of train()" python -c "
import tenzo
try: tenzo.train(tenzo.Equation(3, residual=lambda x, t, j: 1 / 0, terminal=lambda x: x[:, 0]), 'x.h5', tao_max_it=2)
except ZeroDivisionError: pass
else: raise SystemExit(1)"
ok "a damaged file is an exception" python -c "
import tenzo, shutil
shutil.copy('model1.h5', 'damaged.h5')
import h5py
with h5py.File('damaged.h5', 'a') as f: f['theta'][0] += 1e-9
try: tenzo.load('damaged.h5')
except ValueError as e: assert 'damaged' in str(e), e
else: raise SystemExit(1)"
finish
