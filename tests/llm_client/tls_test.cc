// Certificates are checked, and nothing turns that off.
#include <gtest/gtest.h>
#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "tests/llm_client/client_fixture.h"

namespace kopt {
namespace {

struct Certificate {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  std::unique_ptr<X509, decltype(&X509_free)> x509{X509_new(), &X509_free};
};

// For 127.0.0.1, signed by itself.
Certificate SelfSigned() {
  Certificate made;
  X509* x509 = made.x509.get();
  X509_gmtime_adj(X509_getm_notBefore(x509), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, made.key.get());
  X509_NAME* name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
  X509_set_issuer_name(x509, name);
  X509_sign(x509, made.key.get(), EVP_sha256());
  return made;
}

TEST(TlsTest, ACertificateThatNobodyVouchesForIsRefused) {
  const Certificate certificate = SelfSigned();
  httplib::SSLServer server(certificate.x509.get(), certificate.key.get());
  std::atomic<int> requests = 0;
  server.Post(".*", [&](const httplib::Request&, httplib::Response&) { ++requests; });
  const int port = server.bind_to_any_port("127.0.0.1");
  ASSERT_GT(port, 0);
  std::thread thread([&] { server.listen_after_bind(); });
  while (!server.is_running()) SystemClock().Sleep(0.001);

  for (const char* name : {"CURL_INSECURE", "SSL_VERIFY", "NODE_TLS_REJECT_UNAUTHORIZED"}) setenv(name, "0", 1);
  const auto client = ChatClient::Create({.base_url = fmt::format("https://127.0.0.1:{}", port), .key = kKey});
  ASSERT_TRUE(client);
  const auto reply = (*client)->Ask({.model = "m", .messages = {{"user", "hello"}}}, {});
  server.stop();
  thread.join();

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ChatFault::kCannotConnect);
  EXPECT_NE(reply.error().message.find("TLS failed"), std::string::npos) << reply.error().message;
  EXPECT_FALSE(reply.error().retryable);
  EXPECT_EQ(requests, 0) << "the key never left";
}

}  // namespace
}  // namespace kopt
