package io.github.evercred.clients;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Optional;
import javax.net.ssl.SSLSession;

/** A response, without the header in its requests. */
final class SecretHttpAnswer<T> implements HttpResponse<T> {
  private final HttpResponse<T> response;
  private final HttpRequest request;
  private final T body;

  SecretHttpAnswer(HttpResponse<T> response, HttpRequest request) {
    this(response, request, response.body());
  }

  SecretHttpAnswer(HttpResponse<T> response, HttpRequest request, T body) {
    this.response = response;
    this.request = request;
    this.body = body;
  }

  @Override
  public int statusCode() {
    return response.statusCode();
  }

  @Override
  public HttpRequest request() {
    return request;
  }

  @Override
  public Optional<HttpResponse<T>> previousResponse() {
    return response.previousResponse().map(previous -> new SecretHttpAnswer<>(previous, request));
  }

  @Override
  public HttpHeaders headers() {
    return response.headers();
  }

  @Override
  public T body() {
    return body;
  }

  @Override
  public Optional<SSLSession> sslSession() {
    return response.sslSession();
  }

  @Override
  public URI uri() {
    return response.uri();
  }

  @Override
  public HttpClient.Version version() {
    return response.version();
  }

  @Override
  public String toString() {
    return response.toString();
  }
}
