import numpy as np
import tenzo

# u_t + Lap u = 0, u(x,1) = |x|^2/d, in 10 dimensions; j has the derivatives: u [n], grad [n][d], u_t [n], laplacian [n]
d = 10
heat = tenzo.Equation(
    d,
    residual=lambda x, t, j: j.u_t + j.laplacian,
    terminal=lambda x: (x**2).mean(1),
    exact=lambda x, t: (x**2).mean(1) + 2 * (1 - t),  # only to measure errors
)
model = tenzo.train(
    heat, "heat.h5",
    net_format="dense", net_layers=(32, 32), deriv_type="forward",
    loss_points=200, loss_sampler="paths", tao_type="zogn", zo_queries=80, tao_max_it=40, tz_validate_every=10,
)
for step, error in zip(model.validation["step"], model.validation["rel_l2"]):
    print(f"step {step:.0f}: relative L2 error {error:.1e}")

X = np.random.default_rng(0).random((5, d + 1))  # x_1 .. x_d, t
print("u", model.u(X))
print("grad u", model.grad(X)[:, :3], "exact", 2 / d * X[:, :3])
print("by numpy alone", np.abs(model.u(X, library=False) - model.u(X)).max())
