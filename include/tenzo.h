/* Tenzo: tensor-train physics-informed networks trained from forward evaluations. One header for users of the library. */
#ifndef TENZO_H
#define TENZO_H

#include <tzsys.h>
#include <tzrule.h>
#include <tzdomain.h>
#include <tzsampler.h>
#include <tzpde.h>
#include <tznet.h>
#include <tzcontrol.h>
#include <tzshell.h>
#include <tzdevice.h>
#include <tzderiv.h>
#include <tzloss.h>
#include <tzidx.h>
#include <tztokens.h>
#include <tzclassify.h>
#include <tzzo.h>
#include <tzfiles.h>
#include <tzsimulate.h>
#include <tzcheckpoint.h>
#include <tzrun.h>
#include <tzexport.h>

#endif
