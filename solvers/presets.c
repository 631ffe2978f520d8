/*
  The solvers: one row each of one table, with its manual page. A row is a phase, which is an estimate of the gradient and what to do with it, or the names
  of two rows. A new solver is a row, and a file where it has an estimate of its own; a plug-in adds a row by TaoZORegister(). Types that begin with zo need
  forward evaluations only; those with tz are first-order references.
*/
#include <private/tzzoimpl.h>

/* Along the sign; a zero stays where it is */
static void Sign(PetscInt n, PetscReal lr, const PetscReal m[], PetscReal x[])
{
  for (PetscInt i = 0; i < n; i++) x[i] -= lr * ((m[i] > 0) - (m[i] < 0));
}

const TzZOPreset TzZOPresets[] = {
  /*MC
    TAOZOSGD - Gradient descent with a random gradient estimate (RGE; Nesterov and Spokoiny 2017; Ghadimi and Lan 2013)

    The gradient is estimated by g = 1/N sum_q (L(theta + mu xi_q) - L(theta))/mu xi_q; m <- beta m + g; theta <- theta - lr m.

    Options Database Keys:
  + -zo_queries N - directions of a step (default 10)
  . -zo_direction gaussian|rademacher|hadamard - their distribution (default gaussian)
  . -zo_mu mu - smoothing radius, in units of the parameters (default 1e-4)
  . -zo_two_sided - differences (L(theta + mu xi) - L(theta - mu xi))/(2 mu): 2N + 1 queries a step
  . -zo_lr lr - learning rate (default 1e-3)
  . -zo_lr_schedule ... - its course, see schedule.c
  - -zo_momentum beta - momentum (default 0)

    Level: beginner

    Notes:
    All queries of step s use the samples of TzLossSample(loss, s) and the directions of the key (seed, s, q).

    The objective that TAO's monitors and tests see is L(theta) at the beginning of the step, on the step's samples; the norm is
    sqrt(1/N sum_q c_q^2) of the differences c_q, whose square is an unbiased estimate of |grad L|^2 where L is linear.
    The tolerances on the gradient are off unless set.
  M*/
  {.name  = TAOZOSGD,
   .phase = {.name      = "RGE, gradient descent",
             .estimate  = &TzZODifference,
             .direction = TZ_DIRECTION_GAUSSIAN,
             .queries   = 10,
             .mu        = 1e-4,
             .lr        = 1e-3,
             .update    = TzZODescend}},

  /*MC
    TAOZOSIGN - Steps along the sign of a random gradient estimate (ZO-signSGD, Liu, Chen, Chen and Hong 2019)

    The estimate and its momentum are those of TAOZOSGD; every parameter moves by lr: theta <- theta - lr sign(m).

    Options Database Keys: those of TAOZOSGD
  + -zo_queries N - directions of a step (default 5); with N = 1 the signs of a step are random up to one common sign
  . -zo_lr lr - learning rate: the length of a step in every coordinate (default 1e-3)
  - -zo_momentum beta - momentum of the estimate whose sign is taken (default 0.9)

    Level: beginner

    Note:
    mu, N and momentum are what jobs/paper/ablation.sh found best on both equations at an equal number of queries.
  M*/
  {.name  = TAOZOSIGN,
   .phase = {.name      = "RGE, step along the sign",
             .estimate  = &TzZODifference,
             .direction = TZ_DIRECTION_GAUSSIAN,
             .queries   = 5,
             .mu        = 1e-4,
             .lr        = 1e-3,
             .momentum  = 0.9,
             .update    = Sign}},

  /*MC
    TAOZOCGE - Gradient descent with momentum and a coordinate-wise gradient estimate (CGE)

    Every partial derivative is a difference along a unit vector: g_i = (L(theta + mu e_i) - L(theta))/mu, one query a parameter
    (which losses with the operation `coordinates` evaluate all at once); m <- beta m + g; theta <- theta - lr m.

    Options Database Keys:
  + -zo_mu mu - difference, in units of the parameters (default 1e-4)
  . -zo_two_sided - two-sided differences
  . -zo_lr lr - learning rate (default 1e-3)
  . -zo_lr_schedule ... - its course, see schedule.c
  - -zo_momentum beta - momentum (default 0.9)

    Level: beginner
  M*/
  {.name  = TAOZOCGE,
   .phase = {.name      = "CGE, gradient descent",
             .estimate  = &TzZODifference,
             .direction = TZ_DIRECTION_COORDINATE,
             .mu        = 1e-4,
             .lr        = 1e-3,
             .momentum  = 0.9,
             .update    = TzZODescend}},

  /*MC
    TAOZOHYBRID - one solver until the loss has not improved for a patience, then another: TAOZOSIGN, then TAOZOCGE, unless told otherwise

    Cheap steps of a random estimate come first, the dear and accurate ones last. The loss of a step improves
    if it is below the best one so far by the tolerance; after -zo_patience steps in a row without improvement the second
    phase begins, with zero momentum, and lasts to the end.

    Options Database Keys:
  + -zo_phase1 type, -zo_phase2 type - the two solvers, types of this table of one phase (default zosign, zocge)
  . -zo_patience k - steps without improvement after which the second begins (default 200)
  . -zo_patience_window w - the loss is averaged over windows of w steps, one epoch for losses on mini-batches (default 1)
  . -zo_patience_tol e - relative improvement that counts: L < best - e |best| (default 1e-3)
  . -zo_queries, -zo_direction, -zo_mu, -zo_two_sided, -zo_lr, -zo_momentum ... - of the first phase, as it has them alone
  . -zo_phase2_queries, -zo_phase2_mu, -zo_phase2_lr ... - of the second (default: as it has them alone; mu and two_sided: those of the first)
  - -zo_lr_schedule ... - of both: in the second phase -zo_lr_min and -zo_lr_values are scaled by the ratio of the learning rates

    Level: beginner
  M*/
  {.name = TAOZOHYBRID, .two = {TAOZOSIGN, TAOZOCGE}},

  /*MC
    TAOZOADAM - Adam's moments (Kingma and Ba 2015) of a random gradient estimate (ZO-AdaMM, Chen et al. 2019)

    Options Database Keys: those of TAOZOSGD
  + -zo_momentum beta1 - decay of the first moment (default 0.9)
  . -zo_beta2 beta2 - decay of the second moment (default 0.999)
  - -zo_epsilon eps - added to the root of the second moment (default 1e-8)

    Level: beginner
  M*/
  {.name  = TAOZOADAM,
   .phase = {.name      = "RGE, Adam",
             .estimate  = &TzZODifference,
             .direction = TZ_DIRECTION_GAUSSIAN,
             .queries   = 10,
             .mu        = 1e-4,
             .lr        = 1e-3,
             .momentum  = 0.9,
             .beta2     = 0.999,
             .epsilon   = 1e-8,
             .update    = TzZODescend}},

  /*MC
    TAOZOGN - Gauss-Newton steps from forward evaluations alone, in the span of random directions or in the space of residuals

    For losses that are a mean of squares r_i^2. Each query yields the whole vector of residuals, so that N queries tell the derivatives of all
    residuals along N directions: the step sum_q c_q xi_q minimises |r + J sum_q c_q xi_q|^2 / S + lambda |c|^2 (S residuals; lambda is the damping, in units of
    the mean of |J xi_q|^2 / S). With -zo_direction coordinate the directions are all coordinates, A is the whole Jacobian, and the factor is of the smaller
    of J'J and J J'. The step, or 1/4 or 1/16 of it, is taken where the loss on the same samples falls, otherwise tried again with more damping; damping
    follows the fall of the loss by the fall that the linear model foretold (Nielsen 1999).

    Options Database Keys:
  + -zo_queries N - directions of a step (default 40)
  . -zo_direction gaussian|rademacher|hadamard|coordinate - their kind (default gaussian)
  . -zo_mu, -zo_two_sided - as in TAOZOSGD (default mu: 1e-4, since no noise is to be averaged)
  . -zo_momentum beta - random directions: 0, or the last step is one more of them; coordinates: part of the last step that the next begins with (SPRING)
    (default 0)
  . -zo_acceleration - half the geodesic acceleration is added to a step (Transtrum and Sethna 2012); one query more for each damping tried
  . -zo_damping_min - least damping (default 1e-14)
  - -zo_lr lr - part of the step that is tried first (default 1)

    Level: intermediate

    Notes:
    Queries a step: 1 + N (1 + 2N two-sided; N the parameters with -zo_direction coordinate) and one for each point tried.

    Memory: N S + 2 min(N, S)^2 numbers on every rank.
  M*/
  {.name = TAOZOGN,
   .phase =
     {.name = "Gauss-Newton", .estimate = &TzZOGaussNewton, .direction = TZ_DIRECTION_GAUSSIAN, .queries = 40, .mu = 1e-4, .lr = 1, .dampingmin = 1e-14}},

  /*MC
    TAOZOLLS - Least squares in the output layer, from forward evaluations alone (random features; extreme learning machine: Huang, Zhu and Siew 2006)

    TAOZOGN with all coordinates of the output layer. The network is linear in these: so is the residual where the equation is linear, and the first step is
    the solution; of another equation it is a Gauss-Newton step. Hidden layers stay as they are: -net_frequency says how fast they vary. A sample is an
    equation: there have to be some times as many -loss_points as units.

    Options Database Keys:
  + -zo_mu, -zo_two_sided - as in TAOZOSGD
  . -zo_damping_min - least damping (default 1e-14)
  - -zo_lr lr - part of the step that is tried first (default 1)

    Level: beginner

    Note:
    With -zo_last_layer k the solvers that follow a gradient do this after every k-th step, on its samples.
  M*/
  {.name  = TAOZOLLS,
   .phase = {.name       = "least squares of the output layer",
             .estimate   = &TzZOGaussNewton,
             .direction  = TZ_DIRECTION_COORDINATE,
             .last       = PETSC_TRUE,
             .mu         = 1e-4,
             .lr         = 1,
             .damping    = 1e-10,
             .dampingmin = 1e-14}},

  /*MC
    TAOZOFLOPS - Gradient descent with a gradient estimate from many random directions (FLOPS: Gu, Zhao, Feng, Li, Chen and Pan, DAC 2020)

    TAOZOSGD with the number of directions that the paper's comparison has, 100 losses a step, of all coordinates.

    Options Database Keys: those of TAOZOSGD
  . -zo_queries N - directions of a step (default 100)

    Level: beginner
  M*/
  {.name  = TAOZOFLOPS,
   .phase = {.name      = "RGE of many directions (FLOPS)",
             .estimate  = &TzZODifference,
             .direction = TZ_DIRECTION_GAUSSIAN,
             .queries   = 100,
             .mu        = 1e-4,
             .lr        = 1e-3,
             .update    = TzZODescend}},

  /*MC
    TAOZOFGW - Forward gradient with weight perturbation (Baydin, Pearlmutter, Syme, Wood and Torr 2022): g = (grad L . xi) xi, xi ~ N(0, I)

    The directional derivative is a two-sided difference of double precision with mu = 1e-6: it agrees with forward-mode differentiation to about
    1e-9 (truncation mu^2, rounding 1e-16/mu), far below the estimate's own deviation, which is of the size of |grad L| itself.

    Options Database Keys: those of TAOZOSGD
  + -zo_queries N - directions of a step (default 1)
  - -zo_mu mu - length of the difference (default 1e-6)

    Level: beginner
  M*/
  {.name  = TAOZOFGW,
   .phase = {.name      = "forward gradient",
             .estimate  = &TzZODifference,
             .direction = TZ_DIRECTION_GAUSSIAN,
             .queries   = 1,
             .mu        = 1e-6,
             .twosided  = PETSC_TRUE,
             .lr        = 1e-3,
             .update    = TzZODescend}},

  /*MC
    TAOZOSTP - Stochastic three points along coordinates (Bibi, Bergou, Sener, Ghanem and Richtarik, AAAI 2020; Bergou, Gorbunov and Richtarik 2020)

    A random part of the coordinates is drawn in every step. For each of them the loss at theta, theta + lr e_i and theta - lr e_i is compared;
    all of them move to the best of their three points at once: 2 queries a coordinate.

    Options Database Keys:
  + -zo_sparsity p - part of the coordinates that is drawn (default 0.015)
  . -zo_lr lr - distance of the three points, in units of the parameters (default 1e-3)
  . -zo_lr_schedule ... - its course, see schedule.c
  - -zo_momentum beta - momentum of the moves (default 0)

    Level: beginner

    Note:
    The coordinates are drawn uniformly: the constants of smoothness that importance sampling would take are not known for a network.
    Moving one coordinate at a time, as the papers do, would make a step of as many passes one after the other.
  M*/
  {.name  = TAOZOSTP,
   .phase = {.name      = "three points along coordinates",
             .estimate  = &TzZOPoints,
             .direction = TZ_DIRECTION_COORDINATE,
             .twosided  = PETSC_TRUE,
             .sparsity  = 0.015,
             .lr        = 1e-3,
             .update    = TzZODescend}},

  /*MC
    TAOZOSCD - Stochastic zeroth-order sparse coordinate descent (SZO-SCD: Gu, Feng, Zhao, Ying, Chen and Pan, AAAI 2021)

    A random part of the coordinates is drawn in every step. Each of them moves to theta + lr e_i if the loss is lower there, and to
    theta - lr e_i, unseen, if it is not: 1 query a coordinate.

    Options Database Keys: those of TAOZOSTP

    Level: beginner

    Note:
    The paper takes the coordinates one after the other, each from where the last one has led; here all of a step move at once, so that
    their queries are independent and can be shared out. The loss after a move to theta - lr e_i, which the paper's sequence needs, is not asked.
  M*/
  {.name  = TAOZOSCD,
   .phase = {.name      = "sparse coordinate descent",
             .estimate  = &TzZOPoints,
             .direction = TZ_DIRECTION_COORDINATE,
             .sparsity  = 0.015,
             .lr        = 1e-3,
             .update    = TzZODescend}},

  /*MC
    TAOTZSGD - Gradient descent with momentum and the exact gradient of the step's samples (Polyak 1964): m <- beta m + g; theta <- theta - lr m

    Options Database Keys:
  + -zo_lr lr - learning rate (default 1e-3)
  . -zo_lr_schedule ... - its course, see schedule.c
  - -zo_momentum beta - momentum (default 0.9)

    Level: beginner

    Note:
    A first-order reference for the zeroth-order solvers, whose step, schedule and state it shares.
  M*/
  {.name = TAOTZSGD, .phase = {.name = "exact gradient, momentum", .estimate = &TzZOExact, .lr = 1e-3, .momentum = 0.9, .update = TzZODescend}},

  /*MC
    TAOTZADAM - Adam (Kingma and Ba 2015) with the exact gradient of the step's samples

    Options Database Keys:
  + -zo_lr lr - learning rate (default 1e-3)
  . -zo_lr_schedule ... - its course, see schedule.c
  . -zo_momentum beta1 - decay of the first moment (default 0.9)
  . -zo_beta2 beta2 - decay of the second moment (default 0.999)
  - -zo_epsilon eps - added to the root of the second moment (default 1e-8)

    Level: beginner

    Note:
    A first-order reference for the zeroth-order solvers, whose step, schedule and state it shares.
  M*/
  {.name  = TAOTZADAM,
   .phase = {.name = "exact gradient, Adam", .estimate = &TzZOExact, .lr = 1e-3, .momentum = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .update = TzZODescend}},

  /*MC
    TAOTZGN - Gauss-Newton steps with the exact Jacobian of the residuals: the first-order twin of TAOZOGN with -zo_direction coordinate

    The row of each sample comes from the adjoint; all else is TAOZOGN's.

    Options Database Keys:
  + -zo_momentum beta - part of the last step that the next begins with (SPRING: Goldshlager, Abrahamsen and Lin 2024) (default 0)
  . -zo_acceleration, -zo_damping_min - as in TAOZOGN
  - -zo_lr lr - part of the step that is tried first (default 1)

    Level: intermediate
  M*/
  {.name = TAOTZGN, .phase = {.name = "Gauss-Newton", .estimate = &TzZOGaussNewton, .lr = 1, .dampingmin = 1e-14}},

  {.name = NULL},
};
