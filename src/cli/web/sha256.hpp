// SHA-256 of a stream (OpenSSL's).
#pragma once

#include <cstddef>
#include <memory>
#include <string>

struct evp_md_ctx_st;

namespace naru::cli::web {

class Sha256 {
 public:
  Sha256();
  void update(const void* data, std::size_t size);
  // Lower case; once, at the end.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace naru::cli::web
