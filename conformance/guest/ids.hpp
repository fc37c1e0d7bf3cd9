/// Domain ids with a meaning of their own.
#pragma once

#include "sim/abi/xen.hpp"
#include "sim/base/strong.hpp"

namespace assay {

constexpr DomId kDomSelf{DOMID_SELF};
constexpr DomId kDomXen{DOMID_XEN};
constexpr DomId kDomIo{DOMID_IO};
constexpr DomId kDomInvalid{DOMID_INVALID};
/// An ordinary id that no test domain ever gets.
constexpr DomId kDomAbsent{0x7a00};

}  // namespace assay
