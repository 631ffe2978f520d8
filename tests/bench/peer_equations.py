"""Four equations in d dimensions for the peers of `make bench-accuracy`: residual, points, and a validation set with the exact (or reference) solution.

lqg           u_t + Lap u - |grad u|^2 = 0, u(T,x) = ln((1 + |x|^2)/2), T = 1; exact by a one-dimensional integral (pde/lqg.c)
allencahn     u_t + Lap u + u - u^3 = 0, u(T,x) = 1/(2 + 0.4 |x|^2), T = 0.3; radial: v(T - t, |x|^2) by Chebyshev collocation, 10 digits
blackscholes  Black-Scholes-Barenblatt: u_t + s^2/2 sum x_i^2 u_ii + r (x.grad u - u) = 0, u(T,x) = |x|^2, r = 0.05, s = 0.4, T = 1; exact
ball          two-body Allen-Cahn Lap u + u - u^3 = q on |x| < 1, u = 0 on its boundary, u = (1 - |x|^2) sum_i c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)

Every equation is affine in one second-order form, `form` = sum_i w_i u_ii with w(x) >= 0. The network f enters as u = a f + b: a = T - t and b(T,x) = g(x), or
a = 1 - |x|^2 and b = 0. What a residual needs of f at a point: its value, f_t, x.grad f, |grad f|^2 (in x) and its form.
"""
import jax
import jax.numpy as jnp
import numpy as np

VALIDATION_SEED = 20240
START = {"blackscholes": (1.0, 0.5)}  # x at t = 0, repeated; elsewhere the origin


class Terminal:
    """u = (T - t) f + b, b = G(q) with q = |x|^2 + 2 d nu (T - t): the terminal value of the mean of |y|^2 over the diffusion from x (`heat`), or q = |x|^2
    (`constant`); `reaction`: what u' = u - u^3 makes of the former in the time that is left (allencahn)"""
    stationary, weights, out_scale, in_scale = False, None, 1.0, 1.0

    def __init__(self, d, extension="heat", coefficients=None):
        self.d, self.heat, self.reaction, self.inputs = d, float(extension != "constant"), extension == "reaction", d + 1

    def solution(self, x, t, f):
        return (self.T - t) * f + self.b(x, t)[0]

    def q(self, x, t):
        return (x * x).sum(-1) + 2 * self.d * (self.T - t) * self.heat

    def b(self, x, t):
        """b, its first two derivatives in q, and that in t at constant q"""
        g, g1, g2 = self.G(self.q(x, t))
        if not self.reaction:
            return g, g1, g2, 0.0
        m = jnp.expm1(2 * (self.T - t))
        p = (1 + g * g * m) ** -0.5
        v, v1 = g * p * (1 + m) ** 0.5, p**3 * (1 + m) ** 0.5
        return v, v1 * g1, v1 * (g2 - 3 * g * m * p * p * g1 * g1), v**3 - v

    def parts(self, x, t, f, ft, xg, g2, form):
        """u, u_t, x.grad u, |grad u|^2, Lap u"""
        a, s = self.T - t, (x * x).sum(-1)
        G, G1, G2, Gt = self.b(x, t)
        u, ut = a * f + G, a * ft - f - 2 * self.d * G1 * self.heat + Gt
        return u, ut, a * xg + 2 * s * G1, a * a * g2 + 4 * a * G1 * xg + 4 * G1**2 * s, a * form + 2 * self.d * G1 + 4 * s * G2

    def sample(self, key, n, dtype):
        """Along the diffusion dX = sqrt(2) dW from the origin, t uniform"""
        k, l = jax.random.split(key)
        t = self.T * jax.random.uniform(k, (n,), dtype)
        return jnp.sqrt(2 * t)[:, None] * jax.random.normal(l, (n, self.d), dtype), t

    def path(self, x, dw, dt):
        """Euler-Maruyama (exact here): X_{n+1} from X_n and dw ~ N(0, dt I)"""
        return x + 2**0.5 * dw

    def sigma(self, x):
        return 2**0.5 * jnp.ones_like(x)

    def terminal(self, x):
        return self.G((x * x).sum(-1))[0]

    def guess(self, x, t):
        """Gradient of the extension: the same prior knowledge that the PINNs have, for DeepBSDE"""
        return 2 * self.b(x, t)[1][..., None] * x


class LQG(Terminal):
    name, T = "lqg", 1.0

    def G(self, q):
        return jnp.log((1 + q) / 2), 1 / (1 + q), -1 / (1 + q) ** 2

    def residual(self, x, t, *jet):
        u, ut, _, g2, lap = self.parts(x, t, *jet)
        return ut + lap - g2

    def driver(self, x, y, z):
        """h of dY = -h dt + Z dW, Z = sigma grad u"""
        return -(z * z).sum(-1) / 2

    def exact(self, x, t):
        c, s, d = self.T - t, (x * x).sum(1), self.d
        slope = 1 + 2 * d * c + s
        tau = np.arange(-4, 8, 1 / 8)[:, None]  # the trapezoidal rule after v = exp(tau - exp(-tau))/slope, as in pde/lqg.c
        e = np.exp(-tau)
        v = np.exp(tau - e) / slope
        q = 1 + 4 * c * v
        return -np.log(2 / 8 * (v * (1 + e) * np.exp(-v - 0.5 * d * np.log(q) - v * s / q)).sum(0))


class AllenCahn(Terminal):
    name, T = "allencahn", 0.3

    def G(self, q):
        g = 1 / (2 + 0.4 * q)
        return g, -0.4 * g**2, 0.32 * g**3

    def residual(self, x, t, *jet):
        u, ut, _, _, lap = self.parts(x, t, *jet)
        return ut + lap + u - u**3

    def driver(self, x, y, z):
        return y - y**3

    def exact(self, x, t, n=56, k=24):
        """v_tau = 4 s v_ss + 2 d v_s + v - v^3 on [0, S] at n + 1 Chebyshev points; at S the value along the mean characteristic"""
        from scipy.integrate import solve_ivp
        d, T = self.d, self.T
        S = 2 * d * T + k * 2 * T * (2 * d) ** 0.5
        y = np.cos(np.pi * np.arange(n + 1) / n)
        c = np.r_[2, np.ones(n - 1), 2] * (-1) ** np.arange(n + 1)
        D = np.outer(c, 1 / c) / (y[:, None] - y + np.eye(n + 1))
        D = (D - np.diag(D.sum(1))) * 2 / S
        s = S * (1 + y) / 2  # s[0] = S
        L = 4 * s[:, None] * (D @ D) + 2 * d * D

        def right(tau, v):
            r = L @ v + v - v**3
            q = S + 2 * d * tau
            r[0] = 2 * d * -0.4 / (2 + 0.4 * q) ** 2 + v[0] - v[0] ** 3
            return r

        tau, which = np.unique(np.clip(T - t, 0, T), return_inverse=True)
        sol = solve_ivp(right, (0, T), 1 / (2 + 0.4 * s), "Radau", tau, rtol=1e-11, atol=1e-14,
                        jac=lambda tau, v: np.vstack([np.r_[1 - 3 * v[0] ** 2, np.zeros(n)], (L + np.diag(1 - 3 * v * v))[1:]]))
        z = (x * x).sum(1)[:, None] - s
        z[z == 0] = 1e-300
        w = np.r_[0.5, np.ones(n - 1), 0.5] * (-1) ** np.arange(n + 1) / z
        return (w * sol.y.T[which]).sum(1) / w.sum(1)


class BlackScholes(Terminal):
    name, T, r, s, out_scale = "blackscholes", 1.0, 0.05, 0.4, 30.0

    def weights(self, x):
        return self.s**2 / 2 * x * x

    def q(self, x, t):  # G = q alone: the mean of |y|^2 grows by a factor here, which is the solution itself; so no extension
        return (x * x).sum(-1)

    def G(self, q):
        return q, jnp.ones_like(q), jnp.zeros_like(q)

    def residual(self, x, t, f, ft, xg, g2, form):
        a, s = self.T - t, (x * x).sum(-1)
        return a * ft - f + a * form + self.s**2 * s + self.r * (a * xg + 2 * s - a * f - s)

    def sample(self, key, n, dtype):
        """Along dX_i = s X_i dW_i from (1, 1/2, 1, 1/2, ...)"""
        k, l = jax.random.split(key)
        t = self.T * jax.random.uniform(k, (n,), dtype)
        w = jnp.sqrt(t)[:, None] * jax.random.normal(l, (n, self.d), dtype)
        return jnp.exp(self.s * w - self.s**2 / 2 * t[:, None]) * jnp.asarray(np.resize(START["blackscholes"], self.d), dtype), t

    def path(self, x, dw, dt):
        return x * jnp.exp(self.s * dw - self.s**2 / 2 * dt)

    def sigma(self, x):
        return self.s * x

    def driver(self, x, y, z):
        return self.r * (z.sum(-1) / self.s - y)

    def exact(self, x, t):
        return np.exp((self.r + self.s**2) * (self.T - t)) * (x * x).sum(1)


class Ball:
    name, stationary, weights, out_scale = "ball", True, None, 1.0

    def __init__(self, d, extension=None, coefficients=None):
        self.d, self.inputs, self.in_scale = d, d, d**0.5
        self.c = np.loadtxt(coefficients) if coefficients else np.random.RandomState(1).standard_normal(d - 1)

    def solution(self, x, t, f):
        return (1 - (x * x).sum(-1)) * f

    def terms(self, x):
        """S, x.grad S, Lap S of S = sum_i c_i sin(p_i)"""
        y, z = x[..., :-1], x[..., 1:]
        sy, cy, sz, cz = jnp.sin(y), jnp.cos(y), jnp.sin(z), jnp.cos(z)
        p, py, pz = y + cz + z * cy, 1 - z * sy, -sz + cy
        s, c = self.c * jnp.sin(p), self.c * jnp.cos(p)
        return s.sum(-1), (c * (py * y + pz * z)).sum(-1), (-s * (py**2 + pz**2) - c * (z * cy + cz)).sum(-1)

    def source(self, x):
        r = (x * x).sum(-1)
        S, xS, LS = self.terms(x)
        u = (1 - r) * S
        return (1 - r) * LS - 4 * xS - 2 * self.d * S + u - u**3

    def residual(self, x, t, f, ft, xg, g2, form):
        a = 1 - (x * x).sum(-1)
        u = a * f
        return a * form - 4 * xg - 2 * self.d * f + u - u**3 - self.source(x)

    def sample(self, key, n, dtype):
        """Direction uniform, radius uniform on [0, 1]"""
        k, l = jax.random.split(key)
        x = jax.random.normal(k, (n, self.d), dtype)
        return x * (jax.random.uniform(l, (n, 1), dtype) / jnp.linalg.norm(x, axis=1, keepdims=True)), jnp.zeros(n, dtype)

    def exact(self, x, t):
        y, z = x[:, :-1], x[:, 1:]
        return (1 - (x * x).sum(1)) * (np.sin(y + np.cos(z) + z * np.cos(y)) @ self.c)


EQUATIONS = {e.name: e for e in (LQG, AllenCahn, BlackScholes, Ball)}


def validation(equation, n):
    """x [n][d], t [n], u [n] in double precision: the same points for every method and seed, from a key that no training has"""
    x, t = equation.sample(jax.random.PRNGKey(VALIDATION_SEED), n, jnp.float32)
    x, t = np.asarray(x, np.float64), np.asarray(t, np.float64)
    return x, t, equation.exact(x, t)


def check():
    """Residual of the exact solutions by differences, and the values known of the literature"""
    d = 100
    for name, point, value in (("lqg", 0.0, 4.590161724604883), ("allencahn", 0.0, 0.052781357409636), ("blackscholes", (1, 0.5), 77.1048787472965)):
        u = EQUATIONS[name](d).exact(np.resize(point, (1, d)).astype(float), np.zeros(1))[0]
        print(f"{name:13s} u(0,x0) = {u:.13f}, relative difference from the literature {u / value - 1:.1e}")
    for name in EQUATIONS:
        eq, h, d = EQUATIONS[name](6, "reaction" if name == "allencahn" else "heat"), 1e-3, 6
        x, t, _ = validation(eq, 64)
        t = np.clip(t, 0.1 * getattr(eq, "T", 1), 0.9 * getattr(eq, "T", 1))

        def f(x, t):  # the network that gives the exact solution
            b = np.asarray(eq.solution(x, t, 0.0 * t))
            return (eq.exact(x, t) - b) / (np.asarray(eq.solution(x, t, 1.0 + 0 * t)) - b)

        e = np.eye(d) * h
        f0, w = f(x, t), np.ones((1, d)) if eq.weights is None else np.asarray(eq.weights(x))
        up, dn = np.array([f(x + v, t) for v in e]), np.array([f(x - v, t) for v in e])
        g, form = (up - dn) / (2 * h), (w * (up + dn - 2 * f0).T).sum(1) / h**2
        ft = 0 if eq.stationary else (f(x, t + h) - f(x, t - h)) / (2 * h)
        r = eq.residual(x, t, f0, ft, (x.T * g).sum(0), (g * g).sum(0), form)
        print(f"{name:13s} residual of the exact solution by differences of {h:g}: at most {np.abs(r).max():.1e} (form {np.abs(form).max():.1e})")


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    check()
