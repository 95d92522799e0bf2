package org.kazasu.sample.model

import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.security.cert.CertificateException
import java.security.cert.CertificateFactory
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject
import org.kazasu.ffi.BackendConfig

/** A client configuration as the server's operator hands it out: `client.json` and the certificates it names, in one folder. */
object ClientFile {
    /** Name of the file in its folder. */
    const val NAME: String = "client.json"

    /**
     * Reads it.
     *
     * @param open gives a file of the folder by its name.
     * @return null when there is none, or it cannot be read.
     */
    fun read(open: (String) -> InputStream): BackendConfig? = try {
        val json = JSONObject(open(NAME).use { it.readBytes().decodeToString() })
        val notice = json.getJSONObject("notice")
        BackendConfig(
            issuer = json.getString("issuer"),
            fhirBase = json.getString("fhir_base"),
            clientId = json.getString("client_id"),
            tlsRoots = certificates(json.getJSONArray("tls_roots"), open),
            cardRoots = certificates(json.getJSONArray("card_roots"), open),
            pins = strings(json.getJSONArray("pins")),
            pinsNotAfter = json.getString("pins_not_after"),
            noticeId = notice.getString("id"),
            noticeText = notice.getString("text"),
            scope = json.optString("scope").ifEmpty { null },
        )
    } catch (_: FileNotFoundException) {
        null
    } catch (_: IOException) {
        null
    } catch (_: JSONException) {
        null
    } catch (_: CertificateException) {
        null
    }

    private fun certificates(names: JSONArray, open: (String) -> InputStream): List<ByteArray> =
        strings(names).map { name -> open(name).use { CertificateFactory.getInstance("X.509").generateCertificate(it).encoded } }

    private fun strings(array: JSONArray): List<String> = List(array.length(), array::getString)
}

/** This configuration for someone who agreed to the limit category, or did not: the notice names what is asked for. */
fun BackendConfig.withLimitConsent(consent: Boolean, words: String): BackendConfig =
    if (consent) {
        copy(consents = listOf("limit-certificate"), noticeId = "$noticeId+limit", noticeText = "$noticeText\n$words")
    } else {
        copy(consents = emptyList())
    }
